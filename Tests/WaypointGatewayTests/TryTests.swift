import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Tries, time limits, copies and pins of requests")
struct TryTests {
    private static func behaviour(
        retry: RetryPolicy? = nil, timeouts: RouteTimeouts = .none, mirrors: [RequestMirror] = [],
        session: SessionPersistence? = nil
    ) throws -> RouteBehaviour {
        RouteBehaviour(
            .forward(to: [try Make.forward("api")]), mirrors: mirrors, timeouts: timeouts, retry: retry,
            session: session)
    }

    private static func timeouts(request: Int? = nil, attempt: Int? = nil) throws -> RouteTimeouts {
        try RouteTimeouts(
            request: request.map { try RouteTimeout(.milliseconds($0)) },
            backendRequest: attempt.map { try RouteTimeout(.milliseconds($0)) })
    }

    private func rig(
        _ servers: [WebServer], other: WebServer? = nil, settings: GatewaySettings = Make.settings,
        _ behaviour: RouteBehaviour?
    ) async throws -> GatewayRig {
        try await GatewayRig(
            settings: settings,
            Make.pair(
                api: servers.map { ("127.0.0.1", $0.port) }, other: other.map { [("127.0.0.1", $0.port)] } ?? [],
                routes: try behaviour.map { [try Make.rule("/", $0)] }))
    }

    @Test("an answer that the rule tries again is tried at another endpoint, with the same body")
    func otherEndpoint() async throws {
        let bad = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        let good = try await WebServer { WebServer.text("ok \($0.text.suffix(4))") }
        let rig = try await rig([bad, good], try Self.behaviour(retry: .gateway(statuses: [503])))
        for _ in 0..<10 {
            #expect(try await rig.get("/", method: "POST", body: "body").hasSuffix("ok body"))
        }
        #expect(good.requests.count == 10 && bad.requests.count < 20)
        #expect(bad.requests.allSatisfy { $0.field("x-envoy-attempt-count") == "1" })
        if !bad.requests.isEmpty { #expect(good.requests.contains { $0.field("x-envoy-attempt-count") == "2" }) }
        bad.stop()
        good.stop()
        try await rig.stop()
    }

    @Test("the last answer goes to the caller when tries are used up; without a retry, the first")
    func exhausted() async throws {
        let bad = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        let rig = try await rig([bad], try Self.behaviour(retry: .gateway(statuses: [503])))
        let answer = try await rig.get("/")
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.hasSuffix("no") && bad.requests.count == 3)
        try await eventually("the log says so") {
            rig.log.text.contains("response_flags=URX") && rig.log.text.contains("attempts=3")
        }
        try await rig.stop()
        let plain = try await self.rig([bad], nil)
        #expect(try await plain.get("/").hasPrefix("HTTP/1.1 503 ") && bad.requests.count == 4)
        bad.stop()
        try await plain.stop()
    }

    @Test("a body that is too large to keep is not sent again")
    func largeBody() async throws {
        let bad = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        var settings = Make.settings
        settings.keptBodyBytesMax = 3
        let rig = try await rig([bad], settings: settings, try Self.behaviour(retry: .gateway(statuses: [503])))
        #expect(try await rig.get("/", method: "POST", body: "body").hasPrefix("HTTP/1.1 503 "))
        #expect(bad.requests.count == 1)
        bad.stop()
        try await rig.stop()
    }

    @Test("a budget bounds retries")
    func budget() async throws {
        let bad = try await WebServer { _ in WebServer.text("no", status: "503 Busy") }
        var settings = Make.settings
        settings.retryBudget = RetryBudgetSettings(percent: 0, minimumConcurrency: 0)
        let rig = try await rig([bad], settings: settings, try Self.behaviour(retry: .gateway(statuses: [503])))
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 503 ") && bad.requests.count == 1)
        bad.stop()
        try await rig.stop()
    }

    @Test("a try that takes too long is followed by another; a request that does ends")
    func timeLimits() async throws {
        let server = try await WebServer { $0.connection == 1 ? "" : WebServer.text("ok") }
        let rig = try await rig(
            [server], try Self.behaviour(retry: .gateway(statuses: []), timeouts: Self.timeouts(attempt: 1_000)))
        #expect(try await rig.get("/").hasSuffix("ok") && server.requests.count > 1)
        try await rig.stop()
        let silent = try await WebServer { _ in "" }
        let bounded = try await self.rig([silent], try Self.behaviour(timeouts: Self.timeouts(request: 100)))
        let answer = try await bounded.get("/")
        #expect(answer.hasPrefix("HTTP/1.1 504 ") && answer.hasSuffix("upstream request timeout"), "\(answer)")
        try await eventually("the log says so") { bounded.log.text.contains("response_flags=UT") }
        server.stop()
        silent.stop()
        try await bounded.stop()
    }

    @Test("a copy goes elsewhere, body and all; what becomes of it does not matter")
    func mirrors() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let copy = try await WebServer { $0.path == "/bad" ? nil : WebServer.text("thrown away") }
        let mirror = RequestMirror(target: Make.target("other"))
        let rig = try await rig([server], other: copy, try Self.behaviour(mirrors: [mirror]))
        #expect(try await rig.get("/a", method: "POST", body: "body").hasSuffix("\r\n\r\nok"))
        #expect(try await rig.get("/b").hasSuffix("\r\n\r\nok"))
        #expect(try await rig.get("/bad").hasSuffix("\r\n\r\nok"))
        try await eventually("copies come") { Set(copy.requests.map(\.path)) == ["/a", "/b", "/bad"] }
        #expect(copy.requests.first { $0.path == "/a" }?.text.hasSuffix("\r\n\r\nbody") == true)
        try await eventually("they end") { try await rig.onLoop { $0.mirrors } == 0 }
        #expect(server.requests.count == 3)
        server.stop()
        copy.stop()
        try await rig.stop()
    }

    @Test("a client stays with its endpoint by the token it was given")
    func sessions() async throws {
        let servers = [
            try await WebServer { _ in WebServer.text("0") }, try await WebServer { _ in WebServer.text("1") },
            try await WebServer { _ in WebServer.text("2") },
        ]
        let session = try SessionPersistence(carrier: .header(HeaderName("x-session")))
        let rig = try await rig(servers, try Self.behaviour(session: session))
        let first = try await rig.get("/")
        let token = try #require(first.components(separatedBy: "\r\n").first { $0.hasPrefix("x-session: ") })
        for _ in 0..<10 {
            let answer = try await rig.get("/", fields: "\(token)\r\n")
            #expect(answer.last == first.last && !answer.contains("x-session"))
        }
        for server in servers { server.stop() }
        try await rig.stop()
    }
}
