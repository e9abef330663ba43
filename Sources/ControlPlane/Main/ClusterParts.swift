import ControlAuthority
import ControlKubernetes
import ControlServe
import Foundation
import Logging
import ServiceLifecycle

/// Leads, or waits to lead.
struct LeasePart: ServiceLifecycle.Service {
    /// `nil`: there are no others, or no API server to elect one by.
    let keeper: LeaseKeeper?

    func run() async throws {
        guard let keeper else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { await keeper.run() }
    }
}

/// Keeps the roots in every namespace, while this process leads.
struct RootMapsPart: ServiceLifecycle.Service {
    /// `nil`: that is none of our business.
    let maps: RootConfigMaps?
    let leadership: Leadership?
    let authority: CurrentAuthority
    let nodes: Board<NodeBook>

    func run() async throws {
        guard let maps, let leadership else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            await maps.run {
                authority.current.rootsPEM
            } namespaces: {
                nodes.current?.namespaces
            } isLeader: {
                leadership.isLeader
            }
        }
    }
}
