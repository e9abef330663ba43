internal import Logging
package import MeshKernel
package import MeshModel

/// What a person asks by `apus attach`.
extension NodeAgent {
    /// Takes a pod's namespace. What it does from then on follows the pod's labels.
    package func attach(_ key: PodKey, _ namespace: NetworkNamespace, path: String) async -> NodeReply {
        if let refusal = answerBeforeIntents(key, namespace, path: path) { return refusal }
        await intentsKnown()
        guard let intents else {
            return .refused(
                "the control plane has not said yet which pods belong to node \(nodeName); "
                    + "check that apusd is reachable, then try again"
            )
        }
        guard let intent = intents[key] else {
            return .refused(
                "no pod \(key) on node \(nodeName): expected a Pod with spec.nodeName \(nodeName) in the resources"
            )
        }
        guard await mayChange() else { return Self.handedOverReply }
        // Others may have attached or detached while we waited.
        if let refusal = answerBeforeIntents(key, namespace, path: path) { return refusal }
        return await adopt(key, namespace, path: path, intent)
    }

    /// What can be said of an attach without the control plane; `nil` when nothing speaks against it.
    private func answerBeforeIntents(_ key: PodKey, _ namespace: NetworkNamespace, path: String) -> NodeReply? {
        guard namespace.identity != home.identity else {
            return .refused("\(path) is the node's own network namespace; expected the namespace of pod \(key)")
        }
        guard leaving[key] == nil else {
            return .refused("\(key) is being detached; try again when 'apus detach \(key)' says that it is")
        }
        if let present = drivers[key] {
            guard present.namespace.identity != namespace.identity else {
                return .done("\(key) is attached already; nothing to do")
            }
            return .refused(
                "\(key) is attached already, to \(present.path); run 'apus detach \(key)' before attaching another "
                    + "namespace"
            )
        }
        if let other = drivers.first(where: { $0.value.namespace.identity == namespace.identity }) {
            return .refused("\(path) belongs to pod \(other.key) already; each pod has a namespace of its own")
        }
        return nil
    }

    private func adopt(
        _ key: PodKey, _ namespace: NetworkNamespace, path: String, _ intent: PodIntent
    ) async -> NodeReply {
        let driver: PodDriver
        do {
            driver = try makeDriver(key, namespace, path: path)
        } catch {
            return .refused("cannot open netlink in \(path): \(error)")
        }
        drivers[key] = driver
        save()
        logger.info("pod attached", metadata: ["pod": "\(key)", "namespace": "\(path)"])
        await driver.want(desire(for: key))
        let next =
            intent.captured
            ? "its labels ask for capture"
            : "not captured: neither the pod nor its namespace is labelled istio.io/dataplane-mode=ambient"
        return .done("\(key) attached; \(next)")
    }

    /// Waits a bounded time for the first word of the control plane.
    private func intentsKnown() async {
        let deadline = ContinuousClock.now + .seconds(5)
        while intents == nil, ContinuousClock.now < deadline { await untilChange(since: changeCount, before: deadline) }
    }
}
