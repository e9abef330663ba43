import Foundation
import HBONE
import MeshModel
import NIOCore
import Testing
import WaypointHTTP2

@testable import WaypointGateway

@Suite("Requests over HTTP/2")
struct HTTP2Tests {
    @Test("requests share a connection on both sides; content and trailers go both ways", arguments: [
        ApplicationProtocol.unknown, .http2, .grpc,
    ])
    func bothSides(declared: ApplicationProtocol) async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: declared))
        let connection = try await rig.openHTTP2()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let body = String(repeating: "\(number)", count: 50_000)
                    let answer = try await rig.call(
                        connection, "/echo", method: "POST", fields: [("te", "trailers")], body: body,
                        trailers: [("x-end", "told"), ("x-forwarded-client-cert", "forged")])
                    #expect(answer.status == 200 && answer.body == body && answer.failure == nil)
                    #expect(answer.trailer("x-end") == "told" && answer.trailer("grpc-status") == "0")
                    #expect(answer.trailer("x-forwarded-client-cert") == nil)
                }
            }
            try await group.waitForAll()
        }
        #expect(server.connectionCount == 1 && server.requests.count == 20)
        #expect(server.requests.allSatisfy { $0.field("te") == "trailers" })
        #expect(server.requests.allSatisfy { $0.head.authority.elementsEqual("api".utf8) })
        #expect(server.requests.first?.field("x-forwarded-client-cert")?.hasSuffix("URI=\(rig.caller)") == true)
        // Lines are gathered for a moment before they are written.
        try await eventually("the log says so") {
            rig.log.text.contains("HTTP/2") && rig.log.text.contains("response_code=200")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("a head that is all of an answer stays one; interim answers and HEAD pass")
    func heads() async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .grpc))
        let connection = try await rig.openHTTP2()
        let failed = try await rig.callGRPC(connection, "/fail")
        #expect(failed.isHeadOnly && failed.field("grpc-status") == "5" && failed.field("content-length") == nil)
        let early = try await rig.call(connection, "/early")
        #expect(early.heads.map(\.status) == [103, 200])
        #expect(early.heads.first?.fields == HeaderLines([("link", "early")]))
        let head = try await rig.call(connection, "/head", method: "HEAD")
        #expect(head.status == 200 && head.field("content-length") == "7" && head.body.isEmpty)
        server.stop()
        try await rig.stop()
    }

    @Test("HTTP/2 from the caller, HTTP/1.1 to the endpoint")
    func toHTTP1() async throws {
        let server = try await WebServer { request in
            switch request.path {
            case "/known": WebServer.text("known")
            default:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: told\r\n\r\n"
            }
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .http11))
        let connection = try await rig.openHTTP2()
        let known = try await rig.call(
            connection, "/known", method: "POST", fields: [("content-length", "3")], body: "abc")
        #expect(known.status == 200 && known.body == "known" && known.field("content-length") == "5")
        let unknown = try await rig.call(
            connection, "/unknown", method: "POST", body: "abc", trailers: [("x-sent", "yes")])
        #expect(unknown.body == "ok" && unknown.trailer("x-end") == "told" && unknown.field("content-length") == nil)
        let requests = server.requests
        #expect(requests.first?.field("content-length") == "3" && requests.first?.text.hasSuffix("abc") == true)
        #expect(requests.last?.field("transfer-encoding") == "chunked" && requests.last?.field("host") == "api")
        #expect(requests.last?.text.lowercased().contains("x-sent: yes") == true)
        server.stop()
        try await rig.stop()
    }

    @Test("HTTP/1.1 from the caller, HTTP/2 to the endpoint")
    func fromHTTP1() async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .http2))
        let answer = try await rig.get("/one", method: "POST", body: "abc")
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("abc"), "\(answer)")
        #expect(answer.lowercased().contains("content-length: 3\r\n"))
        let chunked = try await rig.exchange(
            "10.1.0.1:80",
            "POST /two HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                + "3\r\nabc\r\n0\r\nX-End: told\r\n\r\n")
        #expect(chunked.hasPrefix("HTTP/1.1 200 ") && chunked.contains("abc"), "\(chunked)")
        let failed = try await rig.get("/fail")
        #expect(failed.lowercased().contains("content-length: 0\r\n") && failed.contains("grpc-status: 5"), "\(failed)")
        #expect(server.requests.map { $0.field("content-length") } == ["3", nil, nil])
        #expect(server.requests.map { $0.field("transfer-encoding") } == [nil, nil, nil])
        #expect(server.requests.dropFirst().first?.trailers?.value(at: 0).elementsEqual("told".utf8) == true)
        #expect(server.connectionCount == 1)
        server.stop()
        try await rig.stop()
    }

    @Test("a refused stream goes elsewhere, whatever its method; a caller that gives up frees the endpoint")
    func refusedAndCancelled() async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .http2))
        let connection = try await rig.openHTTP2()
        let refused = try await rig.call(connection, "/refuse", method: "POST", body: "once")
        #expect(refused.status == 200 && refused.body == "once" && server.begun == 2)
        #expect(server.requests.first?.field("x-envoy-attempt-count") == "2")
        _ = try await rig.call(connection, "/hold", abortsWhen: { server.requests.count == 2 })
        try await eventually("the endpoint is told") { server.failures == ["reset(CANCEL)"] }
        #expect(try await rig.call(connection, "/after").status == 200)
        server.stop()
        try await rig.stop()
    }

    @Test("identities do not share connections to an endpoint")
    func identities() async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .http2))
        let other = Identity(namespace: Make.namespace, serviceAccount: "other")
        for identity in [rig.caller, other, rig.caller, other] {
            let connection = try await rig.openHTTP2(on: rig.connect(as: identity))
            #expect(try await rig.call(connection, "/").status == 200)
        }
        #expect(server.requests.map(\.connection) == [1, 2, 1, 2])
        server.stop()
        try await rig.stop()
    }

    @Test("a drain ends the connection behind the requests that run")
    func drains() async throws {
        let server = try await StreamServer()
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", server.port)], declared: .http2))
        let connection = try await rig.openHTTP2()
        #expect(try await rig.call(connection, "/").status == 200)
        try await rig.onLoop { $0.drain() }
        try await eventually("the caller's connection has ended") {
            try await rig.onLoop { _ in connection.value.isClosed }
        }
        try await eventually("the call is over") { try await rig.onLoop { $0.calls.isEmpty } }
        server.stop()
        try await rig.stop()
    }
}
