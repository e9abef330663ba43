internal import Logging
internal import MeshKernel
package import MeshModel
internal import ZtunnelTunnel

extension NodeAgent {
    /// Takes a pod out and forgets it; returns when nothing of ours is left in its namespace, or when the time is over.
    /// In that case the work goes on by itself.
    package func detach(_ key: PodKey, within bound: Duration) async -> NodeReply {
        guard await mayChange() else { return Self.handedOverReply }
        guard let driver = drivers[key] else {
            let known = drivers.keys.sorted().map(\.description).joined(separator: ", ")
            return .refused("\(key) is not attached; attached are: \(known.isEmpty ? "none" : known)")
        }
        let departure = beginLeaving(key, driver)
        guard await departure.ends(within: bound) else {
            let live = await tunnel.connections()[key]?.count ?? 0
            let state = await driver.status().report
            let reason = state.message.isEmpty ? state.phase.rawValue : "\(state.phase.rawValue): \(state.message)"
            return .refused(
                "\(key) is not out yet after \(bound.components.seconds) s: \(live) captured "
                    + "connection\(live == 1 ? "" : "s") still live (\(reason)). It goes on being taken out and is "
                    + "detached when the last of them ends; 'apus connections' shows them"
            )
        }
        return .done("\(key) detached; nothing is left in its namespace")
    }

    @discardableResult
    func beginLeaving(_ key: PodKey, _ driver: PodDriver) -> Task<Void, Never> {
        let departure = leaving[key] ?? Task { await self.takeOut(key, driver) }
        leaving[key] = departure
        return departure
    }

    private func takeOut(_ key: PodKey, _ driver: PodDriver) async {
        await driver.leave()
        guard phase != .handedOver else { return }
        leaving[key] = nil
        guard drivers[key] === driver else { return }
        drivers[key] = nil
        sandboxes[key] = nil
        save()
        await reportAll()
        logger.info("pod detached", metadata: ["pod": "\(key)"])
    }
}
