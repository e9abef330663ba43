import Foundation
import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import Synchronization
import Testing

@testable import WaypointGateway

/// Collects what endpoints received.
final class Received: Sendable {
    private let bytes = Mutex("")
    var text: String { bytes.withLock { $0 } }
    func append(_ buffer: ByteBuffer) { bytes.withLock { $0 += String(buffer: buffer) } }
}

@Suite("Requests through a waypoint")
struct HTTPTests {
    /// An endpoint that collects what it gets and answers each connection with this text once `marker` came.
    private func server(
        _ answer: String, after marker: String = "\r\n\r\n", _ received: Received = Received(), ends: Bool = true
    ) async throws -> PlainServer {
        try await PlainServer { inbound, outbound in
            var own = ""
            for try await bytes in inbound {
                received.append(bytes)
                own += String(buffer: bytes)
                if own.contains(marker) {
                    own = ""
                    try await outbound.write(ByteBuffer(string: answer))
                    if ends { return outbound.finish() }
                }
            }
        }
    }

    private func rig(
        _ port: UInt16, settings: GatewaySettings = Make.settings
    ) async throws -> GatewayRig {
        let ports = [ServicePort(servicePort: 80, targetPort: port, applicationProtocol: .http11)]
        let service = try Make.service("api", at: "10.1.0.1", ports: ports)
        let endpoint = try Make.workload("api-0", at: "127.0.0.1") { $0.services[service.key] = ports }
        return try await GatewayRig(settings: settings, Make.world([service], [endpoint]))
    }

    private static func bodyBytes(_ bytes: ByteBuffer) -> Int {
        // A search for every byte is slow without optimisation, and nearly all pieces are of one letter.
        let isWhole = bytes == ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes.readableBytes)
        return isWhole ? bytes.readableBytes : bytes.readableBytesView.count { $0 == UInt8(ascii: "x") }
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    @Test("a request arrives with its Host and who sent it, and its answer comes back")
    func forwards() async throws {
        let received = Received()
        let server = try await server(Self.ok, received)
        let rig = try await rig(server.port)
        let answer = try await rig.exchange(
            "10.1.0.1:80",
            "GET /path?q=1 HTTP/1.1\r\nHost: other.example\r\nX-Forwarded-Client-Cert: By=forged;URI=forged\r\n"
                + "X-Envoy-Internal: true\r\nX-Mine: kept\r\nConnection: close, x-secret\r\nX-Secret: 1\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nhello"))
        let text = received.text.lowercased()
        #expect(text.hasPrefix("get /path?q=1 http/1.1\r\n") && text.contains("host: other.example\r\n"))
        #expect(text.contains("x-mine: kept\r\n") && text.contains("x-request-id: "))
        let own = Make.settings.identity
        #expect(text.contains("x-forwarded-client-cert: by=\(own);uri=\(rig.caller)\r\n"))
        for absent in ["forged", "x-envoy-internal", "x-secret"] { #expect(!text.contains(absent)) }
        try await eventually("one line says so") { rig.log.text.contains("request complete") }
        for field in ["response_code=200", "path=\"/path?q=1\"", "src.identity=\"\(rig.caller)\"", "bytes_sent=5"] {
            #expect(rig.log.text.contains(field), "\(rig.log.text)")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("pipelined requests are answered one after the other, in order")
    func pipelined() async throws {
        let received = Received()
        let server = try await PlainServer { inbound, outbound in
            var text = ""
            for try await bytes in inbound {
                text += String(buffer: bytes)
                received.append(bytes)
                guard text.contains("\r\n\r\n") else { continue }
                let path = text.split(separator: " ")[1]
                try await outbound.write(
                    ByteBuffer(
                        string: "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                            + "Content-Length: \(path.utf8.count)\r\n\r\n\(path)"))
                return outbound.finish()
            }
        }
        let rig = try await rig(server.port)
        let answer = try await rig.exchange(
            "10.1.0.1:80",
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                + "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let bodies = answer.components(separatedBy: "\r\n\r\n")
        #expect(bodies.count == 4 && answer.hasSuffix("/3"), "\(answer) \(rig.log.text)")
        #expect(bodies.dropFirst().enumerated().allSatisfy { $1.hasPrefix("/\($0 + 1)") }, "\(answer)")
        server.stop()
        try await rig.stop()
    }

    @Test("bodies of 2 MiB stream both ways, chunked or with their length", arguments: [true, false])
    func streams(isChunked: Bool) async throws {
        let total = 2 << 20
        let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 << 10)
        let server = try await PlainServer { inbound, outbound in
            let head = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
            try await outbound.write(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\(head)\r\n\r\n"))
            let send = {
                if isChunked { try await outbound.write(ByteBuffer(string: "10000\r\n")) }
                try await outbound.write(piece)
                if isChunked { try await outbound.write(ByteBuffer(string: "\r\n")) }
            }
            // The body of the answer goes while that of the request comes, its end after it: an answer that is over
            // sooner ends the request.
            async let sent: Void = {
                for _ in 1..<(total / piece.readableBytes) { try await send() }
            }()
            var count = 0
            for try await bytes in inbound {
                count += Self.bodyBytes(bytes)
                if count >= total { break }
            }
            try await sent
            try await send()
            if isChunked { try await outbound.write(ByteBuffer(string: "0\r\n\r\n")) }
            outbound.finish()
        }
        let rig = try await rig(server.port)
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            async let sent: Void = {
                try await outbound.write(
                    ByteBuffer(
                        string: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\nConnection: close\r\n\r\n"))
                for _ in 0..<(total / piece.readableBytes) { try await outbound.write(piece) }
            }()
            var count = 0
            for try await bytes in inbound { count += Self.bodyBytes(bytes) }
            #expect(count == total)
            try await sent
        }
        server.stop()
        try await rig.stop()
    }

    @Test("100 Continue comes before the answer")
    func interim() async throws {
        let server = try await PlainServer { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            for try await bytes in inbound where String(buffer: bytes).contains("body") {
                try await outbound.write(ByteBuffer(string: Self.ok))
                return outbound.finish()
            }
        }
        let rig = try await rig(server.port)
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(
                    string: "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
                        + "Connection: close\r\n\r\n"))
            var text = ""
            for try await bytes in inbound {
                text += String(buffer: bytes)
                if text == "HTTP/1.1 100 Continue\r\n\r\n" { try await outbound.write(ByteBuffer(string: "body")) }
            }
            #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") && text.hasSuffix("hello"))
        }
        server.stop()
        try await rig.stop()
    }

    @Test("after 101 the pair carries bytes, those that came with the head too")
    func upgrades() async throws {
        let received = Received()
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        let server = try await PlainServer { inbound, outbound in
            var isUpgraded = false
            for try await bytes in inbound {
                received.append(bytes)
                if isUpgraded {
                    try await outbound.write(bytes)
                } else if received.text.contains("\r\n\r\n") {
                    isUpgraded = true
                    try await outbound.write(ByteBuffer(string: head + "first"))
                }
            }
            outbound.finish()
        }
        let rig = try await rig(server.port)
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(
                    string: "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                        + "early"))
            var text = ""
            for try await bytes in inbound {
                text += String(buffer: bytes)
                if text.hasSuffix("early") { try await outbound.write(ByteBuffer(string: "\u{1}frame")) }
                if text.hasSuffix("frame") { outbound.finish() }
            }
            #expect(text.hasPrefix("HTTP/1.1 101") && text.hasSuffix("firstearly\u{1}frame"), "\(text)")
        }
        #expect(received.text.lowercased().contains("upgrade: websocket"))
        try await eventually("one line says so") { rig.log.text.contains("response_code=101") }
        server.stop()
        try await rig.stop()
    }

    @Test(
        "what an endpoint does wrong is answered with a reason",
        arguments: [
            ("", 503, "connection termination"), ("nonsense\r\n\r\n", 502, "protocol error"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 502, "protocol error"),
        ])
    func badEndpoint(answer: String, status: Int, reason: String) async throws {
        let server = try await server(answer)
        let rig = try await rig(server.port)
        let text = try await rig.exchange("10.1.0.1:80", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 \(status) ") && text.contains(reason), "\(text)")
        server.stop()
        try await rig.stop()
    }

    @Test("an answer that is torn is torn for the caller")
    func torn() async throws {
        let server = try await server("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
        let rig = try await rig(server.port)
        let text = try await rig.exchange("10.1.0.1:80", "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(text.hasSuffix("<reset>"), "\(text)")
        server.stop()
        try await rig.stop()
    }

    @Test("no endpoint: 503; no answer in time: 504")
    func replies() async throws {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let unreachable = try await rig(9)
        #expect(try await unreachable.exchange("10.1.0.1:80", request).hasPrefix("HTTP/1.1 503 "))
        try await unreachable.stop()
        let silent = try await server("", after: "never")
        var settings = Make.settings
        settings.responseTimeout = .milliseconds(50)
        let slow = try await rig(silent.port, settings: settings)
        #expect(try await slow.exchange("10.1.0.1:80", request).hasPrefix("HTTP/1.1 504 "))
        try await slow.stop()
        silent.stop()
    }
}
