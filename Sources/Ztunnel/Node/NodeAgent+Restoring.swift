internal import Logging
internal import MeshKernel

/// What outlives the process: which pods are attached, and where.
extension NodeAgent {
    /// Finds the pods again that were attached before a restart.
    package func restore() async {
        phase = .serving
        guard !isLed else { return }
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
        searchRunning()
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
