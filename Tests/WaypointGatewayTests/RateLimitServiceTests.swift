import Foundation
import MeshDiscovery
import MeshModel
import MeshWire
import NIOCore
import SwiftProtobuf
import Testing
import WaypointAuthorizer
import WaypointRoute

@testable import WaypointGateway

@Suite("Rate limit services")
struct RateLimitServiceTests {
    private typealias Question = Envoy_Service_Ratelimit_V3_RateLimitRequest
    private typealias Answer = Envoy_Service_Ratelimit_V3_RateLimitResponse

    private func ask(_ rig: GatewayRig, _ user: String, _ limiter: RateLimiter) async throws -> String {
        let head = RequestHead(
            method: .known(.get), scheme: .http, authority: try RequestAuthority("api".utf8),
            path: try RequestPath("/?user=\(user)".utf8))
        let facts = RateLimitFacts(head: head, remote: try #require(IPAddress("10.0.0.1")), cluster: "c")
        let (eventLoop, gateway) = (rig.eventLoop, rig.gateway)
        return try await eventLoop.flatSubmit {
            let promise = eventLoop.makePromise(of: String.self)
            _ = gateway.value.ask(limiter, about: facts) { outcome in
                switch outcome {
                case .allowed: promise.succeed("allowed")
                case .limited(let denial): promise.succeed("\(denial.status) \(denial.body)")
                case .refused(let status, _): promise.succeed("refused \(status)")
                }
            }
            return promise.futureResult
        }.get()
    }

    @Test("are asked over the kept connection; without an answer the request passes unless it is said otherwise")
    func asks() async throws {
        let service = try await CheckServer(bytes: { bytes in
            guard let question = try? Question(serializedBytes: bytes), question.domain == "shop" else { return nil }
            let user = question.descriptors.first?.entries.first?.value
            if user == "silent" { return nil }
            let answer = Answer.with {
                $0.overallCode = user == "eve" ? .overLimit : .ok
                $0.rawBody = .init("later".utf8)
            }
            return try? answer.serializedBytes()
        })
        let rig = try await GatewayRig(
            Make.pair(api: [("127.0.0.1", 1)], other: [("127.0.0.1", service.port)]))
        var limiter = RateLimiter(
            target: Make.target("other"), domain: "shop", timeoutNanoseconds: 10_000_000_000,
            descriptors: [[.queryParameter("user", key: "user", mayBeAbsent: false)]])
        #expect(try await ask(rig, "bob", limiter) == "allowed")
        #expect(try await ask(rig, "eve", limiter) == "429 later")
        #expect(try await ask(rig, "", limiter) == "allowed" && service.messages.count == 2)
        #expect(service.connectionCount == 1)
        limiter.timeoutNanoseconds = 100_000_000
        #expect(try await ask(rig, "silent", limiter) == "allowed")
        limiter.failsClosed = true
        #expect(try await ask(rig, "silent", limiter) == "refused 500")
        #expect(try await rig.onLoop { $0.questions.count } == 0)
        try await service.stop()
        try await rig.stop()
    }
}
