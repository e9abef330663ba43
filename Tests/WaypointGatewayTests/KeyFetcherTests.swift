import Logging
import MeshModel
import MeshPolicy
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WaypointKeys
import WaypointToken

@testable import WaypointGateway

@Suite("Fetched keys in the path of requests")
struct KeyFetcherTests {
    /// What the server of keys answers.
    private final class Answer: Sendable {
        private let text = Mutex("")
        func set(_ text: String) { self.text.withLock { $0 = text } }
        var now: String { text.withLock { $0 } }
    }

    /// A waypoint whose keys come from a server, which answers with what is set.
    private func with(
        _ settings: KeyFetcher.Settings, _ body: (GatewayRig, Answer, WebServer, TokenIssuer) async throws -> Void
    ) async throws {
        let (issuer, answer) = (TokenIssuer(), Answer())
        let keyServer = try await WebServer { _ in answer.now }
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)]))
        let uri = "http://127.0.0.1:\(keyServer.port)/keys?x=1#part"
        let policy = issuer.policy(keys: .remote(uri: uri, timeoutNanoseconds: 2_000_000_000))
        let gateway = rig.gateway
        let fetcher = KeyFetcher(
            group: MultiThreadedEventLoopGroup.singleton, settings: settings, logger: Logger(label: "keys")
        ) { sets in
            rig.eventLoop.execute { gateway.value.tokens.fetched = FetchedKeys(sets: sets) }
        }
        try await rig.onLoop { loop in
            loop.tokenSource = { _, _ in [policy] }
            loop.tokens.onMissingKey = { uri, name in Task { await fetcher.miss(uri, keyIdentifier: name) } }
        }
        answer.set(WebServer.text(issuer.keySet))
        await fetcher.want([policy])
        let running = Task { await fetcher.run() }
        try await body(rig, answer, keyServer, issuer)
        running.cancel()
        await running.value
        keyServer.stop()
        server.stop()
        try await rig.stop()
    }

    private static var settings: KeyFetcher.Settings {
        var settings = KeyFetcher.Settings()
        settings.rules.allowed = [IPBlock("127.0.0.0/8")].compactMap(\.self)
        settings.pause = .milliseconds(20)
        settings.limits.unknownKeyPause = 0.05
        return settings
    }

    @Test("a key that a token names and the set does not have is fetched; one that is gone is believed no more")
    func rotation() async throws {
        try await with(Self.settings) { rig, answer, keyServer, issuer in
            let old = try issuer.token().asBearer
            try await eventually("the keys are there") {
                try await rig.get(fields: old).hasPrefix("HTTP/1.1 200 ")
            }
            #expect(keyServer.requests.first?.path == "/keys?x=1")
            let next = TokenIssuer(key: "next")
            answer.set(WebServer.text(next.keySet))
            #expect(try await rig.get(fields: old).hasPrefix("HTTP/1.1 200 "))
            let token = try next.token().asBearer
            try await eventually("the new keys are there") {
                try await rig.get(fields: token).hasPrefix("HTTP/1.1 200 ")
            }
            #expect(try await rig.get(fields: old).hasPrefix("HTTP/1.1 401 "))
        }
    }

    @Test("an outage keeps the keys until they are too old; then every token is refused, until keys come again")
    func outage() async throws {
        var settings = Self.settings
        settings.limits.refresh = 0.05
        settings.limits.age = 5
        settings.limits.retry = 0.05
        try await with(settings) { rig, answer, keyServer, issuer in
            let token = try issuer.token().asBearer
            try await eventually("the keys are there") {
                try await rig.get(fields: token).hasPrefix("HTTP/1.1 200 ")
            }
            let keys = answer.now
            // Neither an error nor an answer without keys takes the known ones away.
            for text in [WebServer.text("gone", status: "503 No"), WebServer.text("{}")] {
                answer.set(text)
                let count = keyServer.requests.count
                try await eventually("asked again") { keyServer.requests.count > count + 1 }
                if text.contains("503") { #expect(try await rig.get(fields: token).hasPrefix("HTTP/1.1 200 ")) }
            }
            try await eventually("too old") {
                try await rig.get(fields: token).hasSuffix("Jwks remote fetch is failed")
            }
            answer.set(keys)
            try await eventually("believed again") {
                try await rig.get(fields: token).hasPrefix("HTTP/1.1 200 ")
            }
        }
    }
}
