import ControlAuthority
import ControlServe
import ControlTranslate
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import MeshModel
import MeshWire

/// A whole control plane in this process, on a free port of the loopback, with TLS.
struct Plane: Sendable {
    typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    let scratch: Scratch
    let desk: ControlDesk
    let metrics: ControlMetrics
    let authority: CertificateAuthority
    let server: ControlServer
    let port: Int

    /// Runs a plane on the directory, then stops it in order.
    static func run<Result: Sendable>(
        _ scratch: Scratch, firstCallSeconds: Int64 = ServeLimits.firstCallSeconds,
        reviews: Authenticator.Reviews? = nil,
        _ body: @Sendable (Plane) async throws -> Result
    ) async throws -> Result {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        let authority = try CertificateAuthority(
            in: scratch.state, trustDomain: "cluster.local", lifetimes: LifetimePolicy(), nowSeconds: now())
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        let metrics = ControlMetrics()
        let desk = ControlDesk(
            settings: TranslateSettings(), state: scratch.state, tokens: tokens, metrics: metrics, log: log)
        let certificate = try ServerCertificate(
            from: authority, names: [.ip(IPAddress(v4: 0x7f00_0001)), .dns("localhost")], nowSeconds: now())
        let server = ControlServer(
            ControlServer.Parts(
                desk: desk, authority: CurrentAuthority(authority), tokens: tokens, reviews: reviews, metrics: metrics,
                nowSeconds: now),
            listen: [TransportAddress(IPAddress(v4: 0x7f00_0001), port: 0)], certificate: certificate, log: log,
            firstCallSeconds: firstCallSeconds)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let address = try await server.listeningAddresses.first ?? ""
            let port = HostPort(address).map { Int($0.port) } ?? 0
            let plane = Plane(
                scratch: scratch, desk: desk, metrics: metrics, authority: authority, server: server, port: port)
            let result = try await body(plane)
            server.stop()
            try await group.waitForAll()
            return result
        }
    }

    func token(_ node: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: "\(scratch.path)/tokens/\(node)"), encoding: .utf8)
            .trimmingCharacters(in: .newlines)
    }

    func credentials(_ node: String) throws -> Metadata { ["authorization": "Bearer \(try token(node))"] }

    /// - Parameter name: what the certificate must be for.
    func withClient<Result: Sendable>(
        name: String = "localhost", _ body: @Sendable (Client) async throws -> Result
    ) async throws -> Result {
        let roots = [TLSConfig.CertificateSource.bytes(Array(authority.rootsPEM.utf8), format: .pem)]
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .tls { $0.trustRoots = .certificates(roots) },
            config: .defaults { $0.http2.authority = name })
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// Two nodes, a pod on each, in a namespace that asks for capture.
    static func resources(webAddress: String = "10.0.0.1", apiAddress: String = "10.0.0.2") -> ResourceSet {
        var resources = ResourceSet()
        resources.namespaces = [
            NamespaceResource(
                metadata: ResourceMetadata(name: "shop", labels: ["istio.io/dataplane-mode": "ambient"]))
        ]
        resources.nodes = ["one", "two"].map { NodeResource(metadata: ResourceMetadata(name: $0)) }
        resources.pods = [("web", webAddress, "one"), ("api", apiAddress, "two")].map { name, address, node in
            var pod = PodResource(metadata: ResourceMetadata(name: name, namespace: "shop", uid: "uid-\(name)"))
            pod.nodeName = node
            pod.serviceAccount = name
            pod.phase = .running
            pod.addresses = IPAddress(address).map { [$0] } ?? []
            return pod
        }
        return resources
    }
}

/// One delta stream as a test sees it: requests go in one by one, responses come out of an iterator.
struct OpenStream: Sendable {
    let requests: AsyncStream<DeltaRequest>.Continuation
    let responses: AsyncStream<DeltaResponse>

    static func open<Result: Sendable>(
        _ client: Plane.Client, _ metadata: Metadata, _ body: @escaping @Sendable (OpenStream) async throws -> Result
    ) async throws -> Result {
        let (outgoing, requests) = AsyncStream.makeStream(of: DeltaRequest.self)
        let (responses, incoming) = AsyncStream.makeStream(of: DeltaResponse.self)
        let service = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { incoming.finish() }
                try await service.deltaAggregatedResources(metadata: metadata) { writer in
                    for await request in outgoing { try await writer.write(request) }
                } onResponse: { response in
                    for try await message in response.messages { incoming.yield(message) }
                }
            }
            let result = try await body(OpenStream(requests: requests, responses: responses))
            requests.finish()
            try await group.waitForAll()
            return result
        }
    }
}
