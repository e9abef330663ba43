package import GRPCCore
package import GRPCNIOTransportHTTP2Posix
package import Logging
package import NIOCore

import FoundationEssentials
import MeshModel
import NIOPosix

/// The one gRPC connection to the control plane that discovery, enrolment and certificates share.
///
/// A connection that failed is given up and dialled anew, so that every dial reads the roots again; so does a change
/// of the root file. Streams on an older connection live on until they end.
package actor ControlPlaneConnection {
    package typealias Transport = HTTP2ClientTransport.Posix

    /// A dialled client. Hand the number back with ``failed(_:)`` when it did not connect.
    package struct Client: Sendable {
        package let client: GRPCClient<Transport>
        package let number: UInt64
    }

    private struct Dialled {
        let client: Client
        let roots: [UInt8]?
    }

    private let endpoint: ControlPlaneEndpoint
    private let group: any EventLoopGroup
    private let ownsGroup: Bool
    private let log: Logger
    private var current: Dialled?
    private var dialCount: UInt64 = 0
    /// What runs each client that has not ended yet: the present one and those given up whose streams live on.
    private var live: [UInt64: Task<Void, Never>] = [:]
    private var isShutDown = false

    /// Without a group it makes one of a single thread: nothing here is hot, and threads cost memory.
    package init(endpoint: ControlPlaneEndpoint, eventLoopGroup: (any EventLoopGroup)? = nil, log: Logger) {
        self.endpoint = endpoint
        self.group = eventLoopGroup ?? MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.ownsGroup = eventLoopGroup == nil
        self.log = log
    }

    /// The client for the next call. Dials anew when there is none, or when the root file has changed; if the new
    /// roots are no good, the present client stays. It connects on first use.
    package func client() throws(ControlPlaneError) -> Client {
        guard !isShutDown else { throw .shutDown }
        do {
            let roots = try readRoots()
            if let current, current.roots == roots { return current.client }
            let dialled = try dial(roots: roots)
            giveUpCurrent()
            current = dialled
            return dialled.client
        } catch {
            guard let current else { throw error }
            log.warning("the control plane's new roots cannot be used; the old connection stays", metadata: [
                "error": "\(error)"
            ])
            return current.client
        }
    }

    /// Metadata of the next call: the token, read again, and the cluster.
    package func metadata() throws(ControlPlaneError) -> Metadata {
        var metadata = Metadata()
        if let token = try readToken() { metadata.addString("Bearer \(token)", forKey: "authorization") }
        metadata.addString(endpoint.clusterID, forKey: "clusterid")
        for header in endpoint.headers { metadata.addString(header.value, forKey: header.name.lowercased()) }
        return metadata
    }

    /// A call on that client found no connection: the next ``client()`` dials anew.
    package func failed(_ client: Client) {
        if current?.client.number == client.number { giveUpCurrent() }
    }

    /// Runs a call on the present client, authenticated; a client that has no connection is given up. For unary calls.
    nonisolated package func withClient<Answer: Sendable>(
        _ body: (GRPCClient<Transport>, Metadata) async throws -> Answer
    ) async throws -> Answer {
        let client = try await client()
        let metadata = try await metadata()
        do {
            return try await body(client.client, metadata)
        } catch let error as RPCError where error.code == .unavailable {
            await failed(client)
            throw error
        }
    }

    /// Clients that have not ended yet.
    package var liveClientCount: Int { live.count }

    /// Ends every call at once, and the thread if it is ours. Later calls fail.
    package func shutdown() async {
        isShutDown = true
        current = nil
        for task in live.values { task.cancel() }
        // A client still at work on a thread that has ended would be fatal.
        while let task = live.values.first { await task.value }
        if ownsGroup { try? await group.shutdownGracefully() }
    }

    private func giveUpCurrent() {
        // Streams that still work end on their own; then the client's task does.
        current?.client.client.beginGracefulShutdown()
        current = nil
    }

    private func dial(roots: [UInt8]?) throws(ControlPlaneError) -> Dialled {
        dialCount += 1
        let client: GRPCClient<Transport>
        do {
            let transport = try Transport(
                target: target, transportSecurity: security(roots), config: configuration, eventLoopGroup: group)
            client = GRPCClient(transport: transport)
        } catch {
            throw .dial(host: endpoint.host, reason: "\(error)")
        }
        let number = dialCount
        live[number] = Task {
            _ = try? await client.runConnections()
            self.live[number] = nil
        }
        return Dialled(client: Client(client: client, number: number), roots: roots)
    }
}

/// What a dial is made of.
extension ControlPlaneConnection {
    private var target: any ResolvableTarget {
        let port = Int(endpoint.port)
        switch IPAddress(endpoint.host)?.family {
        case .v4: return ResolvableTargets.IPv4.ipv4(address: endpoint.host, port: port)
        case .v6: return ResolvableTargets.IPv6.ipv6(address: endpoint.host, port: port)
        case nil: return ResolvableTargets.DNS.dns(host: endpoint.host, port: port)
        }
    }

    private func security(_ roots: [UInt8]?) -> Transport.TransportSecurity {
        guard case .tls = endpoint.security else { return .plaintext }
        return .tls { tls in
            if let roots { tls.trustRoots = .certificates([.bytes(roots, format: .pem)]) }
        }
    }

    private var configuration: Transport.Config {
        .defaults { config in
            config.connection = .init(
                maxIdleTime: .seconds(30 * 60),
                keepalive: .init(time: .seconds(30), timeout: .seconds(10), allowWithoutCalls: false))
            // A failed dial is given up whole and made anew by us, with our own delays; this one never counts.
            config.backoff = .init(initial: .seconds(1), max: .seconds(15), multiplier: 2, jitter: 0.2)
            config.http2.targetWindowSize = ControlPlaneLimits.windowBytes
            if let name = verifiedName { config.http2.authority = name }
        }
    }

    /// The name that the server's certificate must carry, when it is not the host's: an address is checked as an
    /// address, and of two names they take turns from dial to dial, so that either is accepted and neither is skipped.
    private var verifiedName: String? {
        guard let alternative = endpoint.alternativeServerName, dialCount % 2 == 0 else { return nil }
        return alternative
    }

    private func readRoots() throws(ControlPlaneError) -> [UInt8]? {
        switch endpoint.security {
        case .plaintext, .tls(.system): return nil
        case .tls(.pem(let text)): return Array(text.utf8)
        case .tls(.file(let path)):
            guard let bytes = FileManager.default.contents(atPath: path), !bytes.isEmpty else {
                throw .unreadable(path: path, purpose: "the control plane's root certificates")
            }
            return Array(bytes)
        }
    }

    private func readToken() throws(ControlPlaneError) -> String? {
        switch endpoint.token {
        case .none: return nil
        case .literal(let token): return token
        case .file(let path):
            guard let bytes = FileManager.default.contents(atPath: path),
                let text = String(validating: bytes, as: UTF8.self)
            else { throw .unreadable(path: path, purpose: "our token for the control plane") }
            let token = text.filter { !$0.isWhitespace }
            guard !token.isEmpty else { throw .unreadable(path: path, purpose: "our token for the control plane") }
            return token
        }
    }
}

/// Limits of the connection to the control plane.
package enum ControlPlaneLimits {
    /// A full push of a large mesh comes as one message; as Istio's ztunnel.
    package static let messageBytesMax = 200 * 1024 * 1024
    /// HTTP/2 window: a push need not be fast, and what is in flight is memory.
    package static let windowBytes = 1024 * 1024
}

/// Why there is no connection to the control plane.
package enum ControlPlaneError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, purpose: String)
    case dial(host: String, reason: String)
    /// Asked for after the end.
    case shutDown

    package var description: String {
        switch self {
        case .unreadable(let path, let purpose):
            "expected \(purpose) in \(path), found nothing readable; check the path and its mode"
        case .dial(let host, let reason):
            "cannot set up a connection to \(host): \(reason); check address and root certificates"
        case .shutDown:
            "the connection to the control plane was shut down"
        }
    }
}
