import Foundation
import HBONE
import MeshDiscovery
import MeshModel
import MeshPolicy
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Request policies in the path of requests")
struct RequestPolicyTests {
    static func policy(
        _ action: RequestPolicy.Action, _ tests: RequestPolicy.Test..., name: String = "p", isDryRun: Bool = false
    ) -> RequestPolicy {
        let clauses = tests.map {
            RequestPolicy.Clause(matches: [RequestPolicy.Match(terms: [RequestPolicy.Term($0)])])
        }
        return RequestPolicy(
            name: name, namespace: Make.namespace, action: action, rules: [RequestPolicy.Rule(clauses: clauses)],
            isDryRun: isDryRun)
    }

    static let denyDelete = policy(.deny, .methods([.exact("DELETE")]))

    private func rig(
        _ server: WebServer, _ policies: RequestPolicy..., missing: [String] = [],
        declared: ApplicationProtocol = .http11, routes: [HTTPRouteRule]? = nil
    ) async throws -> GatewayRig {
        try await GatewayRig(
            policies: RequestPolicySet(applying: policies, missing: missing),
            Make.pair(api: [("127.0.0.1", server.port)], declared: declared, routes: routes))
    }

    private static let denied = "\r\n\r\nRBAC: access denied"

    @Test("a denial answers 403 as users know it, before any route acts, and names policy and rule")
    func denies() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let away = try Make.rule("/", RouteBehaviour(.redirect(try RequestRedirect(scheme: .https))))
        let rig = try await rig(server, Self.denyDelete, routes: [away])
        let answer = try await rig.get(method: "DELETE")
        #expect(answer.hasPrefix("HTTP/1.1 403 ") && answer.hasSuffix(Self.denied), "\(answer)")
        #expect(answer.contains("content-type: text/plain\r\n"))
        #expect(try await rig.get().hasPrefix("HTTP/1.1 302 "))
        let details = "response_code_details=\"rbac_access_denied_matched_policy[ns[shop]-policy[p]-rule[0]]\""
        try await eventually("the log names them") {
            rig.log.text.contains(details) && rig.log.text.contains("shop/p, rule 0")
        }
        #expect(server.requests.isEmpty)
        server.stop()
        try await rig.stop()
    }

    @Test("policy sees the plain path, and not what a caller says of itself")
    func sees() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let forged = Self.policy(
            .allow, .header(name: "x-forwarded-client-cert", [.exact("forged")]), name: "forged")
        let open = Self.policy(.allow, .paths([.text(.prefix("/open"))]), name: "open")
        let rig = try await rig(server, forged, open)
        #expect(try await rig.get("/open").hasPrefix("HTTP/1.1 200 "))
        for path in ["/open/../secret", "/open/%2e%2e/secret", "/closed"] {
            let answer = try await rig.get(path, fields: "X-Forwarded-Client-Cert: forged\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(path)")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("a gRPC caller is told in its own language")
    func grpc() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let rig = try await rig(server, Self.policy(.deny, .methods([.exact("POST")])))
        let answer = try await rig.get(method: "POST", fields: "Content-Type: application/grpc\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("grpc-status: 7\r\n"), "\(answer)")
        #expect(answer.contains("grpc-message: RBAC: access denied\r\n") && answer.hasSuffix("\r\n\r\n"))
        server.stop()
        try await rig.stop()
    }

    @Test("a policy that was not received denies; audit and dry run only tell")
    func others() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let closed = try await rig(server, missing: ["shop/late"])
        #expect(try await closed.get().hasSuffix(Self.denied))
        try await closed.stop()
        let rig = try await rig(
            server, Self.policy(.audit, .methods([.exact("GET")]), name: "watch"),
            Self.policy(.deny, .methods([.exact("GET")]), name: "trial", isDryRun: true))
        #expect(try await rig.get().hasPrefix("HTTP/1.1 200 "))
        try await eventually("the log tells") {
            rig.log.text.contains("audit: shop/watch, rule 0") && rig.log.text.contains("dry-run: would be denied by")
        }
        server.stop()
        try await rig.stop()
    }

    @Test("new policies hold for the next request; the one under way goes on")
    func changes() async throws {
        let gate = WebServer.text("late")
        let received = Received()
        let late = try await PlainServer { inbound, outbound in
            for try await bytes in inbound {
                received.append(bytes)
                let text = String(buffer: bytes)
                if text.contains("body") { try await outbound.write(ByteBuffer(string: gate)) }
            }
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", late.port)]))
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(string: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"))
            try await eventually("the request is under way") { received.text.hasSuffix("half") }
            try await rig.judge(by: RequestPolicySet(applying: [Self.policy(.deny, .methods([.exact("PUT")]))]))
            try await outbound.write(ByteBuffer(string: "body"))
            var text = ""
            var isAskedAgain = false
            for try await bytes in inbound {
                text += String(buffer: bytes)
                if text.hasSuffix("late"), !isAskedAgain {
                    isAskedAgain = true
                    let again = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    try await outbound.write(ByteBuffer(string: again))
                }
            }
            #expect(text.contains("late") && text.hasSuffix(Self.denied), "\(text)")
        }
        late.stop()
        try await rig.stop()
    }

    @Test("bytes are judged as connections: closed when denied, cut when they are no longer allowed")
    func connections() async throws {
        let echo = try await PlainServer { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            outbound.finish()
        }
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", echo.port)], declared: .tcp))
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "bytes"))
            let denial = Self.policy(.deny, .destinationPorts([80]))
            var text = ""
            do {
                for try await bytes in inbound {
                    text += String(buffer: bytes)
                    try await rig.judge(by: RequestPolicySet(applying: [denial]))
                }
            } catch is HBONEError {
                text += "<reset>"
            }
            #expect(text == "bytes<reset>")
        }
        await #expect(throws: HBONEError.status(401)) { _ = try await rig.open("10.1.0.1:80") }
        try await eventually("the log says why") { rig.log.text.contains("explicitly denied by: shop/p, rule 0") }
        echo.stop()
        try await rig.stop()
    }
}
