package import ControlAuthority
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
package import MeshModel
import Synchronization

/// The TLS port, on one or several addresses: discovery, enrolment and certificates.
package final class ControlServer: Sendable {
    private typealias Transport = HTTP2ServerTransport.Posix

    private let servers: [GRPCServer<Transport>]
    private let served = ServedCertificate()
    private let desk: ControlDesk
    private let log: Logger

    /// The rooms that the services stand on.
    package struct Parts: Sendable {
        package var desk: ControlDesk
        package var authority: CurrentAuthority
        package var tokens: NodeTokens
        /// `nil`: only the tokens of files are known.
        package var reviews: Authenticator.Reviews?
        package var metrics: ControlMetrics
        package var nowSeconds: @Sendable () -> Int64

        package init(
            desk: ControlDesk, authority: CurrentAuthority, tokens: NodeTokens,
            reviews: Authenticator.Reviews? = nil, metrics: ControlMetrics,
            nowSeconds: @escaping @Sendable () -> Int64
        ) {
            self.desk = desk
            self.authority = authority
            self.tokens = tokens
            self.reviews = reviews
            self.metrics = metrics
            self.nowSeconds = nowSeconds
        }
    }

    /// Nothing listens before `run`.
    /// - Parameter firstCallSeconds: a connection without a call is closed after this time.
    package init(
        _ parts: Parts, listen: [TransportAddress], certificate: ServerCertificate, log: Logger,
        firstCallSeconds: Int64 = ServeLimits.firstCallSeconds
    ) {
        let gate = ConnectionGate(firstCallSeconds: firstCallSeconds, metrics: parts.metrics)
        self.desk = parts.desk
        self.log = log
        let authenticator = Authenticator(
            parts.tokens, reviews: parts.reviews, nodes: parts.desk.nodeBoard, metrics: parts.metrics)
        let services: [any RegistrableRPCService] = [
            DiscoveryService(
                authenticator: authenticator, desk: parts.desk, metrics: parts.metrics, log: log),
            EnrolmentService(authenticator: authenticator, desk: parts.desk, metrics: parts.metrics, log: log),
            CertificateService(
                authenticator: authenticator, authority: parts.authority, nodes: parts.desk.nodeBoard,
                metrics: parts.metrics, log: log, nowSeconds: parts.nowSeconds),
        ]
        let served = self.served
        servers = listen.map { address in
            let target: SocketAddress = address.ip.family == .v4
                ? .ipv4(host: address.ip.description, port: Int(address.port))
                : .ipv6(host: address.ip.description, port: Int(address.port))
            let transport = Transport(
                address: target, transportSecurity: Self.security(certificate, served),
                config: Self.configuration(gate))
            return GRPCServer(transport: transport, services: services)
        }
    }

    /// Serves until `stop` or cancellation; throws when an address cannot be bound.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { try await server.serve() } }
            try await group.waitForAll()
        }
    }

    /// The bound addresses, as soon as there are some.
    package var listeningAddresses: [String] {
        get async throws {
            var texts: [String] = []
            for server in servers {
                let address = try await server.transport.listeningAddress
                if let v4 = address.ipv4 { texts.append("\(v4.host):\(v4.port)") }
                if let v6 = address.ipv6 { texts.append("[\(v6.host)]:\(v6.port)") }
            }
            return texts
        }
    }

    /// Streams end with UNAVAILABLE, calls under way are finished, then `run` returns.
    package func stop() {
        desk.close()
        for server in servers { server.beginGracefulShutdown() }
    }

    /// New connections are shown this certificate from now on; those that are there stay. Errors: `.encoding`.
    package func use(_ certificate: ServerCertificate) throws(AuthorityError) {
        try served.replace(by: certificate)
    }

    private static func security(
        _ certificate: ServerCertificate, _ served: ServedCertificate
    ) -> Transport.TransportSecurity {
        .tls(
            certificateChain: certificate.chainPEM.map { .bytes(Array($0.utf8), format: .pem) },
            privateKey: .bytes(Array(certificate.keyPEM.utf8), format: .pem)
        ) { $0.certificateReloader = served }
    }

    private static func configuration(_ gate: ConnectionGate) -> Transport.Config {
        .defaults { config in
            config.channelDebuggingCallbacks.onAcceptTCPConnection = { gate.accepted($0) }
            config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { gate.called($0) }
            config.rpc.maxRequestPayloadSize = ServeLimits.requestBytesMax
            config.http2.maxConcurrentStreams = ServeLimits.streamsPerConnectionMax
            config.connection.maxIdleTime = .seconds(ServeLimits.idleConnectionSeconds)
            config.connection.keepalive.time = .seconds(ServeLimits.pingIntervalSeconds)
            config.connection.keepalive.timeout = .seconds(ServeLimits.pingTimeoutSeconds)
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls =
                .seconds(ServeLimits.clientPingIntervalSeconds)
        }
    }
}
