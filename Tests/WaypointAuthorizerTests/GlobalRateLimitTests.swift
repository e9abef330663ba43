import Foundation
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing
import WaypointAuthorizer
import WaypointRoute

@Suite("Messages to and from rate limit services")
struct GlobalRateLimitTests {
    private func limit(_ descriptors: [[RateLimitAction]]) -> GlobalRateLimit {
        var limit = GlobalRateLimit()
        limit.domain = "shop"
        limit.descriptors = descriptors
        return limit
    }

    private func facts(_ fields: [(String, String)] = []) throws -> RateLimitFacts {
        RateLimitFacts(
            head: try Make.head("/a?user=bob", fields),
            identity: Identity(namespace: "shop", serviceAccount: "web"),
            remote: try #require(IPAddress("10.1.2.3")), service: "api.shop.svc.cluster.local")
    }

    private func entries(_ actions: [RateLimitAction], _ fields: [(String, String)] = []) throws -> [String]? {
        limit([actions]).descriptors(of: try facts(fields)).first?.entries.map { "\($0.key)=\($0.value)" }
    }

    @Test("each action makes its entry, under its own key or the one that was named")
    func actions() throws {
        let header = RateLimitAction.Source.header(try HeaderName("x-user"))
        #expect(
            try entries(
                [
                    .init(.fixed("v")), .init(.identity), .init(.namespace), .init(.serviceAccount), .init(.address),
                    .init(.network(v4Bits: 16, v6Bits: 64)), .init(header),
                    .init(.queryParameter("user"), key: "query"), .init(.path), .init(.method),
                    .init(.service, key: "to"),
                ], [("X-User", "eve")]) == [
                    "generic_key=v", "source_identity=spiffe://cluster.local/ns/shop/sa/web", "source_namespace=shop",
                    "source_service_account=web", "remote_address=10.1.2.3", "masked_remote_address=10.1.0.0/16",
                    "x-user=eve", "query=bob", "path=/a", "method=GET", "to=api.shop.svc.cluster.local",
                ])
    }

    @Test("nobody gets out of a descriptor by leaving a field out")
    func absent() throws {
        let header = RateLimitAction.Source.header(try HeaderName("x-user"))
        let key = RateLimitAction(.fixed("v"), key: "k")
        #expect(try entries([key, .init(header)]) == ["k=v", "x-user=-"])
        #expect(try entries([key, .init(header)], [("x-user", "")]) == ["k=v", "x-user=-"])
        #expect(try entries([key, .init(header, mayBeAbsent: true)]) == ["k=v"])
        #expect(try entries([key, .init(.queryParameter("none"))]) == ["k=v", "none=-"])
    }

    @Test("the question names the domain and every descriptor")
    func question() throws {
        let key = RateLimitAction(.fixed("v"), key: "k")
        let limit = limit([[key], [key, .init(.address)]])
        let question = try limit.question(about: try facts(), to: Make.target)
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
        for code in [Envoy_Service_Ratelimit_V3_RateLimitResponse.Code.unknown, .ok, .overLimit] {
            let response = Envoy_Service_Ratelimit_V3_RateLimitResponse.with {
                $0.overallCode = code
                $0.responseHeadersToAdd = [.with { ($0.key, $0.value) = ("x-limit", "7") }]
                $0.requestHeadersToAdd = [.with { ($0.key, $0.value) = ("x-counted", "1") }]
                $0.rawBody = .init("slow down".utf8)
            }
            switch try limit([]).judge(Make.answer(try response.serializedBytes())) {
            case .limited(let denial, let standing):
                #expect(code == .overLimit && denial.status == 429 && denial.body == "slow down" && standing == nil)
                #expect(denial.headers["x-envoy-ratelimited"] == "true" && denial.headers["x-limit"] == "7")
            case .allowed(let changes, let standing):
                var head = try Make.head()
                try changes.apply(to: &head)
                #expect(code != .overLimit && head.headers["x-counted"] == "1" && standing == nil)
            }
        }
        #expect(throws: ServiceFailure.self) { _ = try limit([]).judge(Make.answer([0xff])) }
    }

    private typealias Response = Envoy_Service_Ratelimit_V3_RateLimitResponse

    @Test("a caller stands as the limit with the fewest requests left says")
    func standing() throws {
        func status(_ left: UInt32, of limit: UInt32?) -> Response.DescriptorStatus {
            .with {
                if let limit { $0.currentLimit.requestsPerUnit = limit }
                $0.limitRemaining = left
                $0.durationUntilReset = .with { ($0.seconds, $0.nanos) = (7, 500_000_000) }
            }
        }
        let response = Response.with {
            $0.overallCode = .ok
            $0.statuses = [status(5, of: 10), status(2, of: 100), status(0, of: nil)]
        }
        guard case .allowed(_, let standing) = try limit([]).judge(Make.answer(try response.serializedBytes())) else {
            throw ServiceFailure.malformed("limited")
        }
        #expect(standing == RateStanding(limit: 100, remaining: 2, refill: .milliseconds(7_500)))
    }
}
