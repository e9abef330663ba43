import MeshDiscovery
import MeshModel
import MeshPolicy
import MeshWire
import NIOCore
import SwiftProtobuf
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Bodies that external authorizers get")
struct AuthorizerBodyTests {
    private func with(
        _ body: CheckedBody, settings: GatewaySettings = Make.settings,
        _ run: (GatewayRig, WebServer, CheckServer) async throws -> Void
    ) async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let check = try await CheckServer { _ in .allowed }
        let rig = try await GatewayRig(
            settings: settings,
            policies: RequestPolicySet(applying: [Make.asking(Make.authorizer { $0.body = body })]),
            Make.pair(api: [("127.0.0.1", server.port)], other: [("127.0.0.1", check.port)]))
        try await run(rig, server, check)
        #expect(try await rig.onLoop { [$0.questions.count, $0.questions.heldBytes] } == [0, 0])
        server.stop()
        try await check.stop()
        try await rig.stop()
    }

    @Test("whole, as text or as bytes; the endpoint gets all of it too", arguments: [false, true])
    func whole(isBinary: Bool) async throws {
        try await with(CheckedBody(bytesMax: 100, isBinary: isBinary)) { rig, server, check in
            #expect(try await rig.get("/asked", method: "PUT", body: "content").hasPrefix("HTTP/1.1 200 "))
            let http = try #require(check.questions.first?.attributes.request.http)
            #expect(isBinary ? Array(http.rawBody) == Array("content".utf8) : http.body == "content")
            #expect(http.headers["x-envoy-auth-partial-body"] == "false" && http.headers["content-length"] == "7")
            #expect(http.size == 7 && server.requests.first?.text.hasSuffix("\r\n\r\ncontent") == true)
            #expect(server.requests.first?.field("x-envoy-auth-partial-body") == nil)
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 200 "))
            #expect(check.questions.last?.attributes.request.http.body == "")
            let connection = try await rig.openHTTP2()
            #expect(try await rig.call(connection, "/asked", method: "POST", body: "streamed").status == 200)
            let last = try #require(check.questions.last?.attributes.request.http)
            #expect((isBinary ? String(decoding: last.rawBody, as: UTF8.self) : last.body) == "streamed")
            #expect(server.requests.last?.text.contains("streamed") == true)
        }
    }

    @Test("cut where it may be, otherwise refused; either way the rest is not waited for", arguments: [false, true])
    func tooLong(mayBePartial: Bool) async throws {
        try await with(CheckedBody(bytesMax: 10, mayBePartial: mayBePartial)) { rig, server, check in
            let long = String(repeating: "0123456789", count: 20_000)
            let answer = try await rig.get("/asked", method: "PUT", body: long)
            #expect(answer.hasPrefix(mayBePartial ? "HTTP/1.1 200 " : "HTTP/1.1 413 "), "\(answer)")
            let head = "PUT /asked HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            let chunked = try await rig.exchange("10.1.0.1:80", head + "c\r\n0123456789ab\r\n0\r\n\r\n")
            #expect(chunked.hasPrefix(mayBePartial ? "HTTP/1.1 200 " : "HTTP/1.1 413 "), "\(chunked)")
            #expect(check.questions.count == (mayBePartial ? 2 : 0))
            for question in check.questions {
                #expect(question.attributes.request.http.body == "0123456789")
                #expect(question.attributes.request.http.headers["x-envoy-auth-partial-body"] == "true")
            }
            #expect(server.requests.count == (mayBePartial ? 2 : 0))
            #expect(!mayBePartial || server.requests.first?.text.hasSuffix(long) == true)
        }
    }

    @Test("a caller that waits for 100 gets it from us")
    func expectation() async throws {
        try await with(CheckedBody(bytesMax: 100)) { rig, server, _ in
            let channel = try await rig.open("10.1.0.1:80")
            try await channel.executeThenClose { inbound, outbound in
                let head = "PUT /asked HTTP/1.1\r\nHost: api\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
                try await outbound.write(ByteBuffer(string: head + "Connection: close\r\n\r\n"))
                var text = ""
                for try await bytes in inbound {
                    text += String(buffer: bytes)
                    if text == "HTTP/1.1 100 Continue\r\n\r\n" { try await outbound.write(ByteBuffer(string: "body")) }
                }
                #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "), "\(text)")
            }
            #expect(server.requests.first?.text.hasSuffix("body") == true)
            #expect(server.requests.first?.field("expect") == nil)
        }
    }

    @Test("a body that does not come, and more than is held for all, are refused")
    func bounds() async throws {
        var settings = Make.settings
        settings.checkedBodyTimeout = .milliseconds(100)
        settings.checkedBytesMax = 50
        try await with(CheckedBody(bytesMax: 1_000), settings: settings) { rig, server, check in
            let slow = "PUT /asked HTTP/1.1\r\nHost: api\r\nContent-Length: 8\r\n\r\nhalf"
            let late = try await rig.exchange("10.1.0.1:80", slow)
            #expect(late.hasPrefix("HTTP/1.1 408 "), "\(late)")
            let long = try await rig.get("/asked", method: "PUT", body: String(repeating: "a", count: 100))
            #expect(long.hasPrefix("HTTP/1.1 503 "), "\(long)")
            #expect(server.requests.isEmpty && check.questions.isEmpty)
        }
    }
}
