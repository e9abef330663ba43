import MeshModel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import WaypointKeys

@Suite("Where keys may be fetched from", .timeLimit(.minutes(1)))
struct KeyServerRulesTests {
    private static func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func isPermitted(_ rules: KeyServerRules, _ text: String, port: UInt16 = 443) throws -> Bool {
        let known = ["control.example": [try Self.ip("10.0.0.7"), try Self.ip("fd00::7")]]
        return try !rules.permitted([Self.ip(text)], port: port) { host in
            IPAddress(host).map { [$0] } ?? known[host] ?? []
        }.isEmpty
    }

    @Test("not from this host, its links and the metadata of clouds, however the address is written", arguments: [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "febf::1", "ff02::1", "fd00:ec2::254", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    ])
    func refused(_ text: String) throws {
        #expect(try !isPermitted(KeyServerRules(), text))
    }

    @Test("from everywhere else", arguments: [
        "10.0.0.1", "192.168.1.1", "93.184.216.34", "169.253.255.255", "169.255.0.0", "128.0.0.1", "fd00:ec2::255",
        "fec0::1", "2001:db8::1", "64:ff9b::a00:1",
    ])
    func permitted(_ text: String) throws {
        #expect(try isPermitted(KeyServerRules(), text))
        #expect(KeyServerRules.refusedBlocks.count == KeyServerRules.refusedTexts.count)
    }

    @Test("what is allowed is permitted, but for the sockets of the control plane")
    func allowed() throws {
        var rules = KeyServerRules()
        rules.allowed = [try #require(IPBlock("127.0.0.0/8")), try #require(IPBlock("fe80::/10"))]
        rules.refusedSockets = [
            .init(host: "control.example", port: 15012), .init(host: "127.0.0.1", port: 15012),
        ]
        #expect(try isPermitted(rules, "127.0.0.1") && isPermitted(rules, "fe80::1"))
        #expect(try isPermitted(rules, "::ffff:127.0.0.1") && !isPermitted(rules, "169.254.169.254"))
        #expect(try isPermitted(rules, "10.0.0.7") && isPermitted(rules, "10.0.0.8", port: 15012))
        for address in ["10.0.0.7", "::ffff:10.0.0.7", "64:ff9b::a00:7", "fd00::7", "127.0.0.1"] {
            #expect(try !isPermitted(rules, address, port: 15012), "\(address)")
        }
    }

    private func fetch(_ uri: String, _ terms: KeyFetch.Terms) async throws(KeyFetchError) {
        _ = try await KeyFetch.keys(at: uri, within: .seconds(5), on: MultiThreadedEventLoopGroup.singleton, terms)
    }

    @Test("a refused address is not connected to, whatever stands for it", arguments: [
        "127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]",
    ])
    func unconnected(_ host: String) async throws {
        let issuer = TokenIssuer()
        let server = try await WebServer { _ in WebServer.text(issuer.keySet) }
        let uri = "http://\(host):\(server.port)/keys"
        await #expect(throws: KeyFetchError.self) { try await fetch(uri, KeyFetch.Terms(rules: KeyServerRules())) }
        #expect(server.connectionCount == 0)
        var rules = KeyServerRules()
        rules.allowed = [try #require(IPBlock("127.0.0.0/8")), try #require(IPBlock("::1"))]
        if !host.hasPrefix("[") { try await fetch(uri, KeyFetch.Terms(rules: rules)) }
        rules.refusedSockets = [.init(host: "localhost", port: server.port)]
        let before = server.connectionCount
        await #expect(throws: KeyFetchError.self) { try await fetch(uri, KeyFetch.Terms(rules: rules)) }
        #expect(server.connectionCount == before)
        server.stop()
    }

    /// Counts from 1.
    private final class Counter: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test("the address that was judged is the one connected to; the name is not asked again")
    func rebinding() async throws {
        let issuer = TokenIssuer()
        let inner = try await WebServer { _ in WebServer.text(issuer.keySet) }
        let outer = try await WebServer(host: "127.0.0.2", port: Int(inner.port)) { _ in
            WebServer.text(issuer.keySet)
        }
        let count = Counter()
        let (good, bad) = (try Self.ip("127.0.0.2"), try Self.ip("127.0.0.1"))
        var terms = KeyFetch.Terms(rules: KeyServerRules())
        terms.rules.allowed = [IPBlock(good)]
        terms.lookup = { _ in count.next() == 1 ? [bad, good] : [bad] }
        try await fetch("http://keys.example:\(outer.port)/", terms)
        #expect(count.next() == 2)
        #expect(outer.connectionCount == 1 && inner.connectionCount == 0)
        #expect(outer.requests.first?.field("host") == "keys.example:\(outer.port)")
        await #expect(throws: KeyFetchError.refused("keys.example")) {
            try await fetch("http://keys.example:\(outer.port)/", terms)
        }
        #expect(outer.connectionCount == 1 && inner.connectionCount == 0)
        inner.stop()
        outer.stop()
    }
}
