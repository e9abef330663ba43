import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshWire
import Testing

typealias DeltaRequestMessage = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest

/// A control plane that does what a test says, behind a real gRPC server on loopback.
actor FakeControlPlane {
    struct DiscoveryStream {
        var metadata: Metadata
        var requests: [DeltaRequestMessage] = []
        var responses: AsyncStream<DeltaResponse>.Continuation
    }

    struct EnrolmentStream {
        var reports: [Apus_Node_V1_NodeReport] = []
        var intents: AsyncStream<Apus_Node_V1_NodeIntent>.Continuation
    }

    private(set) var discovery: [DiscoveryStream] = []
    private(set) var enrolment: [EnrolmentStream] = []

    func opened(_ metadata: Metadata, _ responses: AsyncStream<DeltaResponse>.Continuation) -> Int {
        discovery.append(DiscoveryStream(metadata: metadata, responses: responses))
        return discovery.count - 1
    }

    func received(_ request: DeltaRequestMessage, on stream: Int) { discovery[stream].requests.append(request) }

    func send(_ response: DeltaResponse, on stream: Int) { discovery[stream].responses.yield(response) }

    func endDiscovery(_ stream: Int) { discovery[stream].responses.finish() }

    func enrolmentOpened(_ intents: AsyncStream<Apus_Node_V1_NodeIntent>.Continuation) -> Int {
        enrolment.append(EnrolmentStream(intents: intents))
        return enrolment.count - 1
    }

    func received(_ report: Apus_Node_V1_NodeReport, on stream: Int) { enrolment[stream].reports.append(report) }

    func send(_ intent: Apus_Node_V1_NodeIntent, on stream: Int) { enrolment[stream].intents.yield(intent) }

    func endEnrolment(_ stream: Int) { enrolment[stream].intents.finish() }
}

struct FakeDiscovery: Envoy_Service_Discovery_V3_AggregatedDiscoveryService.ServiceProtocol {
    let plane: FakeControlPlane

    /// One stream that asks nothing and waits for its end.
    static func ask(_ client: GRPCClient<HTTP2ClientTransport.Posix>, _ metadata: Metadata) async throws {
        let discovery = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
        try await discovery.deltaAggregatedResources(metadata: metadata) { _ in
        } onResponse: { response in
            for try await _ in response.messages {}
        }
    }

    func streamAggregatedResources(
        request: StreamingServerRequest<Envoy_Service_Discovery_V3_DiscoveryRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Envoy_Service_Discovery_V3_DiscoveryResponse> {
        throw RPCError(code: .unimplemented, message: "delta only")
    }

    func deltaAggregatedResources(
        request: StreamingServerRequest<DeltaRequestMessage>, context: ServerContext
    ) async throws -> StreamingServerResponse<DeltaResponse> {
        let (responses, continuation) = AsyncStream.makeStream(of: DeltaResponse.self)
        let stream = await plane.opened(request.metadata, continuation)
        return StreamingServerResponse { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await message in request.messages { await plane.received(message, on: stream) }
                    continuation.finish()
                }
                for await response in responses { try await writer.write(response) }
                group.cancelAll()
            }
            return [:]
        }
    }
}

struct FakeEnrolment: Apus_Node_V1_NodeEnrolment.ServiceProtocol {
    let plane: FakeControlPlane

    func synchronize(
        request: StreamingServerRequest<Apus_Node_V1_NodeReport>, context: ServerContext
    ) async throws -> StreamingServerResponse<Apus_Node_V1_NodeIntent> {
        let (intents, continuation) = AsyncStream.makeStream(of: Apus_Node_V1_NodeIntent.self)
        let stream = await plane.enrolmentOpened(continuation)
        return StreamingServerResponse { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await message in request.messages { await plane.received(message, on: stream) }
                    continuation.finish()
                }
                for await intent in intents { try await writer.write(intent) }
                group.cancelAll()
            }
            return [:]
        }
    }
}

/// Runs the control plane on a port of loopback while the body runs, then cuts every connection.
func withControlPlane<Result: Sendable>(
    _ plane: FakeControlPlane, port: Int = 0,
    security: HTTP2ServerTransport.Posix.TransportSecurity = .plaintext,
    _ body: @Sendable (_ port: Int) async throws -> Result
) async throws -> Result {
    let server = GRPCServer(
        transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: security),
        services: [FakeDiscovery(plane: plane), FakeEnrolment(plane: plane)])
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await server.serve() }
        let address = try #require(try await server.listeningAddress?.ipv4)
        defer { group.cancelAll() }
        return try await body(address.port)
    }
}

/// Waits until the condition holds; a test that waits in vain fails.
func eventually(
    _ what: Comment, within bound: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: @Sendable () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + bound
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record(what, sourceLocation: sourceLocation)
    throw CancellationError()
}
