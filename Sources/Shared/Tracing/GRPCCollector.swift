import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshModel
package import MeshTelemetry
import MeshWire
package import NIOCore
import NIOPosix

/// OTLP over gRPC: one connection for all batches, which the transport dials anew when it is lost.
/// Source: OpenTelemetry Protocol Specification, OTLP/gRPC.
package actor GRPCCollector: SpanCollector {
    private typealias Transport = HTTP2ClientTransport.Posix

    private let endpoint: CollectorEndpoint
    private let message: SpanMessage
    private let group: any EventLoopGroup
    private var client: GRPCClient<Transport>?
    private var runner: Task<Void, Never>?

    /// - Parameters:
    ///   - resource: attributes of the resource; `service.name` is one.
    ///   - group: not one of the loops that carry requests.
    package init(_ endpoint: CollectorEndpoint, resource: [(String, String)], group: any EventLoopGroup) {
        self.endpoint = endpoint
        self.message = SpanMessage(resource: resource)
        self.group = group
    }

    /// Sends one batch.
    package func export(_ spans: [Span]) async throws(ExportError) {
        let client: GRPCClient<Transport>
        do {
            client = try self.client ?? dial()
        } catch {
            throw .refused(reason: "\(error)")
        }
        let service = Opentelemetry_Proto_Collector_Trace_V1_TraceService.Client(wrapping: client)
        var metadata = Metadata()
        for header in endpoint.headers { metadata.addString(header.value, forKey: header.name) }
        var options = CallOptions.defaults
        options.timeout = endpoint.timeout
        do {
            _ = try await service.export(message.request(spans), metadata: metadata, options: options)
        } catch let error as RPCError {
            guard Self.mayTryAgain(error.code) else { throw .refused(reason: "\(error.code): \(error.message)") }
            throw .tryAgain(reason: "\(error.code): \(error.message)", after: nil)
        } catch {
            throw .tryAgain(reason: "\(error)", after: nil)
        }
    }

    /// Ends the connection. A later batch dials anew.
    package func close() async {
        client?.beginGracefulShutdown()
        client = nil
        runner?.cancel()
        await runner?.value
        runner = nil
    }

    /// The codes that the specification calls retryable.
    private static func mayTryAgain(_ code: RPCError.Code) -> Bool {
        let codes: [RPCError.Code] = [
            .cancelled, .deadlineExceeded, .resourceExhausted, .aborted, .outOfRange, .unavailable, .dataLoss,
        ]
        return codes.contains(code)
    }

    private func dial() throws -> GRPCClient<Transport> {
        let transport = try Transport(
            target: target, transportSecurity: endpoint.isTLS ? .tls : .plaintext, eventLoopGroup: group)
        let client = GRPCClient(transport: transport)
        self.client = client
        runner = Task { _ = try? await client.runConnections() }
        return client
    }

    private var target: any ResolvableTarget {
        let port = Int(endpoint.port)
        switch IPAddress(endpoint.host)?.family {
        case .v4: return ResolvableTargets.IPv4.ipv4(address: endpoint.host, port: port)
        case .v6: return ResolvableTargets.IPv6.ipv6(address: endpoint.host, port: port)
        case nil: return ResolvableTargets.DNS.dns(host: endpoint.host, port: port)
        }
    }
}
