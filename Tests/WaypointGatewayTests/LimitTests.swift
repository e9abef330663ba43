import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing

@testable import WaypointGateway

@Suite("Limits of requests")
struct LimitTests {
    private func rig(_ settings: GatewaySettings = Make.settings) async throws -> (GatewayRig, WebServer) {
        let server = try await WebServer { _ in WebServer.text("ok") }
        return (try await GatewayRig(settings: settings, Make.pair(api: [("127.0.0.1", server.port)])), server)
    }

    @Test("too many or too large fields: 431; too long a target: 414; a target that is none: 400")
    func sizes() async throws {
        let (rig, server) = try await rig()
        let many = (0..<150).map { "X-\($0): 1\r\n" }.joined()
        let large = (0..<70).map { "X-\($0): \(String(repeating: "a", count: 1000))\r\n" }.joined()
        for fields in [many, large, "X: \(String(repeating: "a", count: 70_000))\r\n"] {
            #expect(try await rig.get("/", fields: fields).hasPrefix("HTTP/1.1 431 "))
        }
        let long = "/" + String(repeating: "a", count: 40_000)
        #expect(try await rig.get(long).hasPrefix("HTTP/1.1 414 "))
        for target in ["/a#b", "/%00", "/%zz", "a"] {
            #expect(try await rig.get(target).hasPrefix("HTTP/1.1 400 "), "\(target)")
        }
        #expect(server.requests.isEmpty)
        server.stop()
        try await rig.stop()
    }

    @Test("a whole URL as the target is a request for its path, if it names the same host")
    func absoluteForm() async throws {
        let (rig, server) = try await rig()
        #expect(try await rig.get("http://api/path").hasPrefix("HTTP/1.1 200 "))
        #expect(server.requests.first?.path == "/path")
        for target in ["http://other/path", "ftp://api/path", "http:///path"] {
            #expect(try await rig.get(target).hasPrefix("HTTP/1.1 400 "), "\(target)")
        }
        #expect(server.requests.count == 1)
        server.stop()
        try await rig.stop()
    }

    @Test("a head that comes too slowly: 408; a rest between requests is none")
    func slowHead() async throws {
        var settings = Make.settings
        settings.requestHeadTimeout = .milliseconds(100)
        let (rig, server) = try await rig(settings)
        let answer = try await rig.exchange("10.1.0.1:80", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
        #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
            var text = ""
            var isAskedAgain = false
            for try await bytes in inbound {
                text += String(buffer: bytes)
                guard text.hasSuffix("ok"), !isAskedAgain else { continue }
                isAskedAgain = true
                // Longer than the limit: another call runs into it meanwhile.
                let late = try await rig.exchange("10.1.0.1:80", "GET / HTTP/1.1\r\nHost")
                #expect(late.hasPrefix("HTTP/1.1 408 "))
                try await outbound.write(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
            }
            #expect(text.components(separatedBy: "HTTP/1.1 200 ").count == 3 && !text.contains("408"), "\(text)")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("our own answer to HEAD has no body, and the connection goes on")
    func head() async throws {
        let rig = try await GatewayRig(Make.pair(api: []))
        let answer = try await rig.exchange(
            "10.1.0.1:80",
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let parts = answer.components(separatedBy: "\r\n\r\n")
        #expect(parts.count == 3 && parts[0].contains("content-length: 19"), "\(answer)")
        #expect(parts[1].hasPrefix("HTTP/1.1 503 ") && parts[2] == "no healthy upstream", "\(answer)")
        try await rig.stop()
    }
}
