internal import Logging
internal import MeshDiscovery
internal import MeshKernel
internal import MeshModel

/// Pods that run already: when this daemon comes to a node, and when a label asks for a pod that nobody announced.
extension NodeAgent {
    /// Between two looks for a pod that is wanted and not found: it may be about to start.
    private static let searchInterval = Duration.seconds(5)
    /// Between two looks for a pod whose addresses have not come from the control plane yet.
    private static let worldInterval = Duration.milliseconds(200)

    /// Looks for what is wanted and not attached until there is no such pod, one search at a time.
    func searchRunning() {
        guard let scan, !isSearching, !missing.isEmpty else { return }
        isSearching = true
        Task {
            while !self.missing.isEmpty {
                await self.search(scan)
                guard !self.missing.isEmpty else { break }
                let isKnown = self.missing.values.contains { self.addresses(of: $0) != nil }
                try? await Task.sleep(for: isKnown ? Self.searchInterval : Self.worldInterval)
            }
            self.isSearching = false
        }
    }

    /// Pods to be captured that are not attached, by their uid.
    private var missing: [String: PodKey] {
        guard phase == .serving || phase == .frozen else { return [:] }
        let wanted = (intents ?? [:]).values.filter { $0.captured && !$0.uid.isEmpty && drivers[$0.pod] == nil }
        return Dictionary(wanted.map { ($0.uid, $0.pod) }) { first, _ in first }
    }

    private func search(_ scan: ProcessScan) async {
        let findings: [String: [ProcessScan.Finding]]
        do {
            findings = try await scan.findings(of: Set(missing.keys))
        } catch {
            return logger.warning(
                "running pods cannot be found", metadata: ["root": "\(scan.root)", "error": "\(error)"])
        }
        // Meanwhile some may have been announced or taken back.
        for (uid, pod) in missing.sorted(by: { $0.value < $1.value }) {
            guard let finding = findings[uid]?.first(where: { isHome(of: pod, $0.namespace) }) else { continue }
            let sandbox = PodSandbox(pod: pod, uid: uid, container: "")
            guard let refusal = await place(sandbox, finding.namespace, path: finding.path) else { continue }
            logger.warning("running pod not attached", metadata: ["pod": "\(pod)", "reason": "\(refusal.text)"])
        }
    }

    /// A process of a pod may have moved into a namespace of somebody else: the pod's own has the pod's address.
    private func isHome(of pod: PodKey, _ namespace: NetworkNamespace) -> Bool {
        guard let expected = addresses(of: pod) else { return false }
        let present = (try? InterfaceAddress.all(in: namespace)) ?? []
        return present.contains { expected.contains($0.address) }
    }

    /// `nil`: not known yet.
    private func addresses(of pod: PodKey) -> [IPAddress]? {
        let workload = world.localWorkload(namespace: pod.namespace, name: pod.name, node: nodeName)
        return workload.flatMap { $0.addresses.isEmpty ? nil : $0.addresses }
    }
}
