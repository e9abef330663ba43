internal import FoundationEssentials
internal import Logging
internal import MeshKernel
internal import MeshModel
internal import NodeCNI

/// What outlives the process: which pods are attached, and where.
extension NodeAgent {
    /// Finds the pods again that were attached before a restart. Nothing is said of any before all are found: a pod
    /// that a report leaves out is not captured, and peers would be told to send it plain text.
    package func restore() async {
        guard !isLed else {
            phase = .serving
            return
        }
        phase = .waiting
        for entry in store.load() where drivers[entry.pod] == nil {
            do {
                let namespace = try NetworkNamespace(path: entry.path)
                guard namespace.identity == entry.identity else {
                    logger.warning("attached pod has another namespace now; attach it again",
                        metadata: ["pod": "\(entry.pod)", "namespace": "\(entry.path)"])
                    continue
                }
                drivers[entry.pod] = try makeDriver(entry.pod, namespace, path: entry.path)
                sandboxes[entry.pod] = entry.sandbox
                await drivers[entry.pod]?.want(desire(for: entry.pod))
            } catch {
                logger.warning("attached pod not found again",
                    metadata: ["pod": "\(entry.pod)", "namespace": "\(entry.path)", "error": "\(error)"])
            }
        }
        phase = .serving
        await reportAll()
        searchRunning()
    }

    /// No daemon is to follow on this node: the files of this one are removed, and the node's rules for probes. The
    /// list of pods and those rules stay while there are rules of ours in a pod: whoever comes must find it again.
    /// - Parameter socket: where `apus` and the CNI plugin ask.
    package func removeFiles(besides socket: String) async {
        do {
            let names = [
                socket, CapturedNamespaces.path(besides: socket), HandoverServer.path(besides: socket),
            ]
            for path in names where FileManager.default.fileExists(atPath: path) {
                try FileManager.default.removeItem(atPath: path)
            }
            let isFree = await statuses().allSatisfy { $0.report.phase == .attached }
            guard isFree else { return }
            try store.remove()
            try closeToProbes()
        } catch {
            logger.error("files not removed from the node", metadata: ["socket": "\(socket)", "error": "\(error)"])
        }
    }

    func save() {
        guard !isLed, phase == .serving else { return }
        let entries = drivers.map { key, driver in
            AttachmentStore.Entry(pod: key, identity: driver.namespace.identity, path: driver.path,
                sandbox: sandboxes[key])
        }
        do {
            try store.save(entries)
        } catch {
            logger.error("attachments not stored; a restart will not find these pods again",
                metadata: ["file": "\(store.path)", "error": "\(error)"])
        }
    }
}
