import MeshModel

/// Pods as workloads, in and out of the mesh, filled in as istiod does.
struct PodTranslation {
    let context: TranslateContext

    /// Ended pods serve nothing and are not in the world.
    static func isLive(_ pod: PodResource) -> Bool {
        pod.phase != .succeeded && pod.phase != .failed
    }

    /// It speaks HBONE itself.
    static func isNative(_ pod: PodResource) -> Bool { pod.metadata.labels[Label.tunnel] == "http" }

    /// `nil` for a pod that has no address yet.
    func workload(_ pod: PodResource) -> Workload? {
        guard !pod.addresses.isEmpty else { return nil }
        let (metadata, settings) = (pod.metadata, context.settings)
        var workload = Workload(
            uid: "\(settings.clusterID)//Pod/\(metadata.namespace)/\(metadata.name)", name: metadata.name,
            namespace: metadata.namespace, serviceAccount: pod.serviceAccount)
        workload.trustDomain = settings.trustDomain
        workload.addresses = pod.addresses
        workload.network = metadata.labels[Label.network] ?? context.network
        workload.networkMode = pod.hostNetwork ? .hostNetwork : .standard
        workload.nativeTunnel = Self.isNative(pod)
        workload.tunnel = workload.nativeTunnel || isProven(pod) ? .hbone : .none
        workload.node = pod.nodeName
        workload.clusterID = settings.clusterID
        workload.workloadName = Self.ownerName(pod)
        workload.canonicalName =
            TranslateContext.first(Label.canonicalNames, in: metadata.labels) ?? workload.workloadName
        workload.canonicalRevision = TranslateContext.first(Label.canonicalRevisions, in: metadata.labels) ?? "latest"
        workload.status = Self.isHealthy(pod) ? .healthy : .unhealthy
        workload.locality = context.localities[pod.nodeName] ?? Locality()
        return workload
    }

    private func isProven(_ pod: PodResource) -> Bool {
        // A pod on its node's network has no redirection of its own, whoever says so.
        guard !pod.hostNetwork else { return false }
        let settings = context.settings
        let isTold = pod.metadata.annotations[Annotation.redirection] == RedirectionPatch.enabledText
        // What a node has said here may be old by now, if it speaks to another replica.
        if settings.sharesProofs, !settings.heardNodes.contains(pod.nodeName) { return isTold }
        // Every replica tells its nodes at the same word: when the annotation is gone. The pod's own node waits for it.
        if settings.sharesProofs, settings.leaving.contains(pod.key), isTold { return true }
        return settings.proven.contains(pod.key) || settings.trustsRedirectionAnnotation && isTold
    }

    static func isHealthy(_ pod: PodResource) -> Bool {
        guard !pod.metadata.isBeingDeleted else { return false }
        switch pod.readiness {
        case .ready: return true
        case .notReady: return false
        case .unstated: return pod.phase == nil || pod.phase == .running
        }
    }

    /// The name of what made the pod: its Deployment, CronJob, or other controller; else its own.
    private static func ownerName(_ pod: PodResource) -> String {
        guard let controller = pod.controller else { return pod.metadata.name }
        switch controller.kind {
        case "ReplicaSet":
            guard let hash = pod.metadata.labels[Label.podTemplateHash], !hash.isEmpty,
                controller.name.hasSuffix("-\(hash)")
            else { return controller.name }
            return String(controller.name.dropLast(hash.count + 1))
        case "Job":
            // A CronJob names its jobs NAME-MINUTES, with eight digits or more.
            let parts = controller.name.split(separator: "-")
            guard parts.count > 1, let last = parts.last, last.count >= 8, last.allSatisfy(\.isNumber) else {
                return controller.name
            }
            return String(controller.name.dropLast(last.count + 1))
        default:
            return controller.name
        }
    }

    /// The service's ports that this pod can serve. A named port it does not have is left out.
    static func ports(of service: ServiceResource, on pod: PodResource) -> [ServicePort] {
        service.ports.compactMap { port in
            let target: UInt16
            switch port.targetPort {
            case .number(let number): target = number
            case .name(let name):
                guard let named = pod.namedPorts.first(where: { $0.name == name }) else { return nil }
                target = named.port
            }
            return ServicePort(
                servicePort: port.port, targetPort: target, applicationProtocol: port.applicationProtocol)
        }
    }
}
