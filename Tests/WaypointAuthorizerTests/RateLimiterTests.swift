import Foundation
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing
import WaypointAuthorizer
import WaypointRoute

@Suite("Messages to and from rate limit services")
struct RateLimiterTests {
    private func entries(_ actions: [RateLimitAction], _ fields: [(String, String)] = []) throws -> [String]? {
        let limiter = RateLimiter(target: Make.target, domain: "shop", descriptors: [actions])
        let facts = RateLimitFacts(
            head: try Make.head("/a?user=bob", fields), remote: try #require(IPAddress("10.1.2.3")),
            cluster: "inbound-vip|80|http|api")
        return limiter.descriptors(of: facts).first?.entries.map { "\($0.key)=\($0.value)" }
    }

    @Test("each action makes its entry")
    func actions() throws {
        let header = try HeaderName("x-user")
        #expect(
            try entries(
                [
                    .destinationCluster, .remoteAddress, .genericKey(key: "generic_key", value: "v"),
                    .requestHeader(header, key: "user", mayBeAbsent: false),
                    .queryParameter("user", key: "query", mayBeAbsent: false),
                    .maskedRemoteAddress(v4Bits: 16, v6Bits: 64),
                ], [("X-User", "eve")]) == [
                    "destination_cluster=inbound-vip|80|http|api", "remote_address=10.1.2.3", "generic_key=v",
                    "user=eve", "query=bob", "masked_remote_address=10.1.0.0/16",
                ])
    }

    @Test("an action that yields nothing drops its descriptor, unless it may be absent")
    func absent() throws {
        let header = try HeaderName("x-user")
        let key = RateLimitAction.genericKey(key: "k", value: "v")
        #expect(try entries([key, .requestHeader(header, key: "user", mayBeAbsent: false)]) == nil)
        #expect(try entries([key, .requestHeader(header, key: "user", mayBeAbsent: true)]) == ["k=v"])
        #expect(try entries([.requestHeader(header, key: "user", mayBeAbsent: true)]) == nil)
        #expect(try entries([key, .queryParameter("none", key: "q", mayBeAbsent: false)]) == nil)
        #expect(try entries([key, .requestHeader(header, key: "u", mayBeAbsent: false)], [("x-user", "")]) == nil)
    }

    @Test("matches of headers, expected or not")
    func matches() throws {
        let match = RateLimitHeaderMatch(name: try HeaderName("x-user"), match: .prefix("b"))
        let absent = RateLimitHeaderMatch(name: try HeaderName("x-user"), match: .presence, isNegated: true)
        func holds(_ match: RateLimitHeaderMatch, _ expected: Bool, _ fields: [(String, String)]) throws -> Bool {
            try entries([.headerMatch(key: "m", value: "1", expected: expected, [match])], fields) == ["m=1"]
        }
        #expect(try holds(match, true, [("x-user", "bob")]) && !holds(match, false, [("x-user", "bob")]))
        #expect(try !holds(match, true, [("x-user", "eve")]) && !holds(match, true, []) && holds(match, false, []))
        #expect(try holds(absent, true, []) && !holds(absent, true, [("x-user", "bob")]))
    }

    @Test("without a descriptor nothing is asked; with one the question names the domain")
    func question() throws {
        let key = RateLimitAction.genericKey(key: "k", value: "v")
        let facts = RateLimitFacts(
            head: try Make.head(), remote: try #require(IPAddress("10.1.2.3")), cluster: "c")
        var limiter = RateLimiter(target: Make.target, domain: "shop", descriptors: [])
        #expect(try limiter.question(about: facts) == nil)
        limiter.descriptors = [[key], [key, .remoteAddress]]
        let question = try #require(try limiter.question(about: facts))
        #expect(
            String(decoding: question.head.path.target, as: UTF8.self)
                == "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
        #expect(question.head.headers["grpc-timeout"] == "20m")
        let message = try Envoy_Service_Ratelimit_V3_RateLimitRequest(serializedBytes: Array(question.body[5...]))
        #expect(message.domain == "shop" && message.hitsAddend == 0 && message.descriptors.count == 2)
        #expect(message.descriptors[1].entries.map(\.key) == ["k", "remote_address"])
    }

    @Test("over the limit is 429 with the service's fields; everything else lets the request pass")
    func judges() throws {
        let limiter = RateLimiter(target: Make.target, domain: "shop", descriptors: [])
        for code in [Envoy_Service_Ratelimit_V3_RateLimitResponse.Code.unknown, .ok, .overLimit] {
            let response = Envoy_Service_Ratelimit_V3_RateLimitResponse.with {
                $0.overallCode = code
                $0.responseHeadersToAdd = [.with { ($0.key, $0.value) = ("x-limit", "7") }]
                $0.requestHeadersToAdd = [.with { ($0.key, $0.value) = ("x-counted", "1") }]
                $0.rawBody = .init("slow down".utf8)
            }
            switch try limiter.judge(Make.answer(try response.serializedBytes())) {
            case .limited(let denial):
                #expect(code == .overLimit && denial.status == 429 && denial.body == "slow down")
                #expect(denial.headers["x-envoy-ratelimited"] == "true" && denial.headers["x-limit"] == "7")
            case .allowed(let changes):
                var head = try Make.head()
                try changes.apply(to: &head)
                #expect(code != .overLimit && head.headers["x-counted"] == "1")
            }
        }
        #expect(throws: ServiceFailure.self) { _ = try limiter.judge(Make.answer([0xff])) }
    }
}
