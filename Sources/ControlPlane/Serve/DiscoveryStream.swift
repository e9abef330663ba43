import GRPCCore
import Logging
import MeshDiscovery
import MeshWire
import SwiftProtobuf

/// Drives one delta stream: the machine decides, this reads, waits and writes.
struct DiscoveryStream: Sendable {
    typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
    typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

    let node: String
    let trust: StreamTrust
    let board: Board<ServedWorld>
    let audience: Acknowledgements.Audience
    let acknowledgements: Acknowledgements
    let metrics: ControlMetrics
    let log: Logger

    /// Ends when the client ends its side, the call fails, the board closes (UNAVAILABLE), or the caller's pod is gone
    /// (UNAUTHENTICATED).
    func run(_ requests: RPCAsyncSequence<Request, any Error>, _ writer: RPCWriter<Response>) async throws {
        let mailbox = Mailbox<Request>(weightMax: ServeLimits.subscribedNamesMax) { request in
            request.resourceNamesSubscribe.count + request.resourceNamesUnsubscribe.count
                + request.initialResourceVersions.count
        }
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = board.add { wake.yield() }
        let nodeListener = trust.nodes.add { wake.yield() }
        metrics.changeStreams(.discoveryStreams, node: node, by: 1)
        let number = acknowledgements.open(audience)
        defer {
            acknowledgements.close(number)
            board.remove(listener)
            trust.nodes.remove(nodeListener)
            metrics.changeStreams(.discoveryStreams, node: node, by: -1)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await mailbox.fill(from: requests) { wake.yield() } }
            var session = DeltaSession(node: node)
            var settleDeadline: ContinuousClock.Instant?
            wake.yield()
            for await _ in wakes {
                let content = mailbox.take()
                if let failure = content.failure { throw failure }
                try trust.check()
                try receive(content.messages, into: &session)
                if content.hasEnded { return }
                if board.isClosed {
                    throw RPCError(code: .unavailable, message: "the control plane is shutting down")
                }
                if session.isSettling {
                    let now = ContinuousClock.now
                    guard let deadline = settleDeadline else {
                        settleDeadline = now + .milliseconds(ServeLimits.settleTimeMilliseconds)
                        group.addTask {
                            try await Task.sleep(for: .milliseconds(ServeLimits.settleTimeMilliseconds))
                            wake.yield()
                        }
                        continue
                    }
                    if now < deadline { continue }
                }
                // Before the first world a client must hear nothing: an empty one would make it forget all it knows.
                guard let world = board.current else { continue }
                try await write(session.push(world), to: writer)
                acknowledgements.reached(number, session.acknowledgedRevision)
            }
        }
    }

    private func receive(_ requests: [Request], into session: inout DeltaSession) throws(RPCError) {
        for request in requests {
            let notes: [DeltaNote]
            do {
                notes = try session.receive(request)
            } catch {
                throw RPCError(code: .resourceExhausted, message: error.description)
            }
            for note in notes { record(note) }
        }
    }

    private func record(_ note: DeltaNote) {
        switch note {
        case .refused(let typeURL, let text):
            metrics.add(.refusals)
            log.warning("client refused resources: \(text)", metadata: ["node": "\(node)", "type": "\(typeURL)"])
        case .staleNonce(let typeURL):
            metrics.add(.staleNonces)
            log.debug("stale nonce ignored", metadata: ["node": "\(node)", "type": "\(typeURL)"])
        case .unknownType(let typeURL):
            log.warning(
                "client asks for a type that is not served; it gets nothing",
                metadata: ["node": "\(node)", "type": "\(typeURL)"])
        }
    }

    private func write(_ responses: [Response], to writer: RPCWriter<Response>) async throws {
        for response in responses {
            let byteCount = response.resources.reduce(0) { $0 + $1.resource.value.count }
            switch response.typeURL {
            case WireCodec.ResourceType.address.url: metrics.add(.addressPushes)
            case WireCodec.ResourceType.authorization.url: metrics.add(.policyPushes)
            case WireCodec.ResourceType.routes.url: metrics.add(.routePushes)
            case WireCodec.ResourceType.attachedPolicies.url: metrics.add(.attachedPolicyPushes)
            case WireCodec.ResourceType.traffic.url: metrics.add(.trafficPushes)
            default: metrics.add(.otherPushes)
            }
            metrics.add(.pushBytes, byteCount)
            log.debug("push", metadata: [
                "node": "\(node)", "type": "\(response.typeURL)", "resources": "\(response.resources.count)",
                "removed": "\(response.removedResources.count)", "bytes": "\(byteCount)",
            ])
            // Suspends while the client does not read: then newer worlds replace each other on the board.
            try await writer.write(response)
        }
    }
}
