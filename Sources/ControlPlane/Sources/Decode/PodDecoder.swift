import ControlTranslate
import MeshModel

enum PodDecoder {
    /// Fields of spec that the mesh has no use for, so that a misspelt `nodeName` is noticed.
    private static let idleSpecFields: Set<String> = [
        "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy",
        "enableServiceLinks", "ephemeralContainers", "hostAliases", "hostIPC", "hostPID", "hostUsers", "hostname",
        "hostnameOverride", "imagePullSecrets", "nodeSelector", "os", "overhead", "preemptionPolicy", "priority",
        "priorityClassName", "readinessGates", "resourceClaims", "resources", "restartPolicy", "runtimeClassName",
        "schedulerName", "schedulingGates", "securityContext", "setHostnameAsFQDN", "shareProcessNamespace",
        "subdomain", "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "volumes",
    ]

    private static let idleStatusFields: Set<String> = [
        "allocatedResources", "containerStatuses", "ephemeralContainerStatuses", "extendedResourceClaimStatus",
        "hostIP", "hostIPs", "initContainerStatuses", "message", "nominatedNodeName", "observedGeneration", "qosClass",
        "reason", "resize", "resourceClaimStatuses", "resources", "startTime",
    ]

    static func decode(
        _ root: inout MapReader, _ metadata: ResourceMetadata, _ controller: PodResource.Controller?
    ) -> PodResource? {
        var pod = PodResource(metadata: metadata)
        pod.controller = controller
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        let isReadable = decode(&spec, into: &pod)
        root.absorb(spec)
        if var status = root.map("status") {
            decode(status: &status, into: &pod)
            root.absorb(status)
        }
        return isReadable ? pod : nil
    }

    /// `false`: a field that decides identity or capture cannot be read, so nothing can be said of the pod.
    private static func decode(_ spec: inout MapReader, into pod: inout PodResource) -> Bool {
        pod.nodeName = spec.text("nodeName") ?? ""
        pod.hostNetwork = spec.flag("hostNetwork") ?? false
        // The older name is still copied into every pod by the API server.
        let account = spec.text("serviceAccountName") ?? spec.text("serviceAccount")
        spec.skip(["serviceAccount"])
        var isReadable = spec.problems.isEmpty
        if let account, !account.isEmpty {
            if ResourceName.isValid(account) {
                pod.serviceAccount = account
            } else {
                let reason = "is no valid name: \"\(account.prefix(64))\""
                spec.complain(spec.line, spec.field("serviceAccountName"), reason)
                isReadable = false
            }
        }
        for var container in spec.maps("initContainers") where container.text("restartPolicy") == "Always" {
            pod.namedPorts += namedPorts(&container)
            spec.absorb(container)
        }
        for var container in spec.maps("containers") {
            pod.namedPorts += namedPorts(&container)
            spec.absorb(container)
        }
        spec.skip(idleSpecFields)
        spec.complainAboutTheRest()
        return isReadable
    }

    private static func namedPorts(_ container: inout MapReader) -> [PodResource.NamedPort] {
        var found: [PodResource.NamedPort] = []
        for var port in container.maps("ports") {
            let (name, number) = (port.text("name"), port.port("containerPort"))
            let isTCP = (port.text("protocol") ?? "TCP") == "TCP"
            if let name, let number, isTCP { found.append(PodResource.NamedPort(name: name, port: number)) }
            container.absorb(port)
        }
        return found
    }

    private static func decode(status: inout MapReader, into pod: inout PodResource) {
        if let text = status.text("phase") {
            pod.phase = PodResource.Phase(rawValue: text)
            if pod.phase == nil {
                let expected = "expected Pending, Running, Succeeded, Failed or Unknown"
                status.complain(status.line, status.field("phase"), "\(expected), found \"\(text)\"")
            }
        }
        addresses(&status, into: &pod)
        let conditions = status.maps("conditions")
        if !conditions.isEmpty { pod.readiness = .notReady }
        for var condition in conditions where condition.text("type") == "Ready" {
            pod.readiness = condition.text("status") == "True" ? .ready : .notReady
        }
        status.skip(idleStatusFields)
        status.complainAboutTheRest()
    }

    private static func addresses(_ status: inout MapReader, into pod: inout PodResource) {
        var written: [(text: String, line: Int)] = []
        for var entry in status.maps("podIPs") {
            if let text = entry.text("ip") { written.append((text, entry.line)) }
            entry.complainAboutTheRest()
            status.absorb(entry)
        }
        if let text = status.text("podIP"), !text.isEmpty { written.append((text, status.line)) }
        for (text, line) in written {
            guard let address = IPAddress(text)?.canonical, !address.isUnspecified, !address.isLoopback else {
                status.complain(line, status.field("podIPs"), "expected an address of the pod, found \"\(text)\"")
                continue
            }
            if !pod.addresses.contains(address) { pod.addresses.append(address) }
        }
    }
}
