import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Synchronization
import Testing
import WaypointResilience
import WaypointRoute

@testable import WaypointGateway

@Suite("Hedging")
struct HedgingTests {
    /// Endpoints that answer by the order in which requests come to any of them.
    private final class Endpoints: Sendable {
        struct Seen: Sendable {
            let endpoint: Int
            let attempt: String?
        }

        private let seen = Mutex<[Seen]>([])
        let servers: [PlainServer]

        /// - Parameter answer: to the request of this number, from 1; may wait. `nil`: the connection ends.
        init(_ count: Int, _ answer: @escaping @Sendable (Int, Endpoints) async throws -> String?) async throws {
            let box = Box()
            var servers: [PlainServer] = []
            for endpoint in 0..<count {
                let server = try await PlainServer { inbound, outbound in
                    for try await bytes in inbound {
                        guard let endpoints = box.value.withLock({ $0 }) else { break }
                        let number = endpoints.note(String(buffer: bytes), at: endpoint)
                        guard let text = try await answer(number, endpoints) else { break }
                        if !text.isEmpty { try await outbound.write(ByteBuffer(string: text)) }
                    }
                    outbound.finish()
                }
                servers.append(server)
            }
            self.servers = servers
            box.value.withLock { $0 = self }
        }

        private final class Box: Sendable {
            let value = Mutex<Endpoints?>(nil)
        }

        private func note(_ text: String, at endpoint: Int) -> Int {
            let line = text.components(separatedBy: "\r\n").first { $0.hasPrefix("x-envoy-attempt-count: ") }
            return seen.withLock {
                $0.append(Seen(endpoint: endpoint, attempt: line.map { String($0.suffix(1)) }))
                return $0.count
            }
        }

        var requests: [Seen] { seen.withLock { $0 } }
        func stop() { for server in servers { server.stop() } }
    }

    private func with(
        _ endpoints: Endpoints, attempts: UInt32 = 2, _ change: (inout TrafficRules) -> Void = { _ in },
        _ body: (GatewayRig) async throws -> Void
    ) async throws {
        var rules = TrafficRules(service: Make.target("api").service)
        var policy = HedgingPolicy(delay: .milliseconds(50))
        policy.attemptsMax = attempts
        rules.limits.hedging = policy
        change(&rules)
        var world = try Make.pair(api: endpoints.servers.map { ("127.0.0.1", $0.port) })
        world.apply(.upsertTraffic(rules))
        let rig = try await GatewayRig(world)
        try await body(rig)
        try await eventually("everything is given back") {
            try await rig.onLoop { loop in
                guard case .cluster(let cluster) = loop.traffic.port(Make.target("api"), now: .sinceStart) else {
                    return false
                }
                return cluster.count(.requests) == 0 && cluster.count(.retries) == 0
            }
        }
        endpoints.stop()
        try await rig.stop()
    }

    @Test("a late request goes to another endpoint as well, whose answer is taken; the late one is given up")
    func wins() async throws {
        let endpoints = try await Endpoints(2) { number, _ in number == 1 ? "" : WebServer.text("second") }
        try await with(endpoints) { rig in
            let answer = try await rig.get("/")
            #expect(answer.hasSuffix("second"), "\(answer)")
            let seen = endpoints.requests
            #expect(seen.count == 2 && Set(seen.map(\.endpoint)) == [0, 1])
            #expect(seen.map(\.attempt) == ["1", "2"])
        }
    }

    @Test("with a body that is here as a whole, where the method was named")
    func body() async throws {
        let endpoints = try await Endpoints(2) { number, _ in number == 1 ? "" : WebServer.text("second") }
        try await with(endpoints, { $0.limits.hedging?.methods = [.post] }) { rig in
            let answer = try await rig.get("/", method: "POST", body: "all of it")
            #expect(answer.hasSuffix("second"), "\(answer)")
            #expect(endpoints.requests.count == 2)
        }
    }

    @Test("the first answer is taken though another try is under way")
    func firstWins() async throws {
        let endpoints = try await Endpoints(2) { number, endpoints in
            guard number == 1 else { return "" }
            try await eventually("there is another try") { endpoints.requests.count == 2 }
            return WebServer.text("first")
        }
        try await with(endpoints) { rig in
            let answer = try await rig.get("/")
            #expect(answer.hasSuffix("first"), "\(answer)")
            #expect(endpoints.requests.count == 2)
        }
    }

    @Test("a failure is passed over while another try is under way", arguments: [1, 2], [true, false])
    func failures(_ failing: Int, _ answers: Bool) async throws {
        let state = Failed()
        let endpoints = try await Endpoints(2) { number, endpoints in
            try await eventually("both are under way") { endpoints.requests.count == 2 }
            if number == failing {
                state.set()
                return answers ? WebServer.text("no", status: "503 No") : nil
            }
            try await eventually("the other one has failed") { state.isSet }
            // What has been sent is read before this is.
            try await Task.sleep(for: .milliseconds(100))
            return WebServer.text("good")
        }
        try await with(endpoints) { rig in
            let answer = try await rig.get("/")
            #expect(answer.hasSuffix("good"), "\(answer)")
            #expect(endpoints.requests.count == 2)
        }
    }

    private final class Failed: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    @Test("when all fail, the last one's answer is the caller's")
    func allFail() async throws {
        let endpoints = try await Endpoints(2) { number, endpoints in
            try await eventually("both are under way") { endpoints.requests.count == 2 }
            return WebServer.text("no", status: "503 No")
        }
        try await with(endpoints) { rig in
            let answer = try await rig.get("/")
            #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
        }
    }

    @Test("nobody is asked twice: without another endpoint there is no other try")
    func alone() async throws {
        let endpoints = try await Endpoints(1) { _, _ in try await Self.afterAWhile(WebServer.text("only")) }
        try await with(endpoints, attempts: 5) { rig in
            let answer = try await rig.get("/")
            #expect(answer.hasSuffix("only"), "\(answer)")
            #expect(endpoints.requests.count == 1)
        }
    }

    @Test("no more at once than are allowed, and none beyond the limit of retries")
    func bounds() async throws {
        for (attempts, retries, expected) in [(3, UInt32(10), 3), (3, 0, 1)] as [(UInt32, UInt32, Int)] {
            let endpoints = try await Endpoints(4) { number, _ in
                if number < expected { return "" }
                return try await Self.afterAWhile(WebServer.text("last"))
            }
            try await with(endpoints, attempts: attempts, { $0.policy.connections.retriesMax = retries }) { rig in
                let answer = try await rig.get("/")
                #expect(answer.hasSuffix("last"), "\(answer)")
                #expect(endpoints.requests.count == expected)
                #expect(Set(endpoints.requests.map(\.endpoint)).count == expected)
            }
        }
    }

    /// Long enough for one try more, were there one.
    private static func afterAWhile(_ text: String) async throws -> String {
        try await Task.sleep(for: .milliseconds(300))
        return text
    }

    @Test("over HTTP/2 the stream that lost is reset")
    func resets() async throws {
        let count = Counter()
        var servers: [CheckServer] = []
        for _ in 0..<2 {
            servers.append(try await CheckServer(bytes: { _ in count.next() == 1 ? nil : [] }))
        }
        var rules = TrafficRules(service: Make.target("api").service)
        rules.limits.hedging = HedgingPolicy(delay: .milliseconds(50))
        var world = try Make.pair(api: servers.map { ("127.0.0.1", $0.port) }, declared: .http2)
        world.apply(.upsertTraffic(rules))
        let rig = try await GatewayRig(world)
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 200 "))
        #expect(servers.map(\.messages.count) == [1, 1])
        let asked = servers
        try await eventually("one stream is reset") { asked.map(\.failures).sorted() == [0, 1] }
        for server in servers { try await server.stop() }
        try await rig.stop()
    }

    private final class Counter: Sendable {
        private let state = Mutex(0)
        func next() -> Int {
            state.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
