import MeshDiscovery
import MeshModel
import MeshPolicy
import MeshWire
import SwiftProtobuf
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("External authorizers, by HTTP, and those of routes")
struct HTTPAuthorizerTests {
    private func with(
        _ policies: [RequestPolicy] = [], routes: [HTTPRouteRule]? = nil,
        _ answer: @escaping @Sendable (WebServer.Request) -> String?,
        _ body: (GatewayRig, WebServer, WebServer) async throws -> Void
    ) async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let check = try await WebServer(answer)
        let rig = try await GatewayRig(
            policies: RequestPolicySet(applying: policies),
            Make.pair(api: [("127.0.0.1", server.port)], other: [("127.0.0.1", check.port)], routes: routes))
        try await body(rig, server, check)
        #expect(try await rig.onLoop { [$0.questions.count, $0.questions.heldBytes] } == [0, 0])
        check.stop()
        server.stop()
        try await rig.stop()
    }

    private static func http(_ change: (inout HTTPAuthorizer) -> Void = { _ in }) throws -> Authorizer.Transport {
        var http = HTTPAuthorizer(pathPrefix: try ReplacementPath("/check"))
        change(&http)
        return .http(http)
    }

    @Test("gets method, path behind a prefix, host, authorization and what is selected; 200 lets the request pass")
    func question() async throws {
        let transport = try Self.http {
            $0.sent = .listed([.exact("cookie"), .prefix("x-in-"), .suffix("-id")])
            $0.toUpstream = .listed([.exact("x-user")])
            $0.toCallerOnAdmission = .listed([.exact("set-cookie")])
        }
        var authorizer = Make.authorizer(transport)
        if case .http(var http) = authorizer.transport {
            http.added = [try HeaderField(try HeaderName("x-added"), "const")]
            authorizer.transport = .http(http)
        }
        let answer: @Sendable (WebServer.Request) -> String? = { _ in
            let removed = "X-Envoy-Auth-Headers-To-Remove: X-Out, x-in-a\r\n"
            return WebServer.text("", fields: "X-User: bob\r\nX-Other: no\r\nSet-Cookie: c=1\r\n\(removed)")
        }
        try await with([Make.asking(authorizer)], answer) { rig, server, check in
            let fields = "Authorization: token\r\nCookie: s=1\r\nX-In-A: 1\r\nX-Out: 2\r\nX-User: eve\r\n"
            let text = try await rig.get("/asked?q=1", method: "PUT", fields: fields, body: "content")
            #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("set-cookie: c=1\r\n"), "\(text)")
            let asked = try #require(check.requests.first)
            #expect(asked.text.hasPrefix("PUT /check/asked?q=1 HTTP/1.1\r\n") && asked.field("host") == "api")
            #expect(asked.field("authorization") == "token" && asked.field("cookie") == "s=1")
            #expect(asked.field("x-in-a") == "1" && asked.field("x-added") == "const" && asked.field("x-out") == nil)
            #expect(asked.field("x-request-id") != nil && asked.field("content-length") == "0")
            let seen = try #require(server.requests.first)
            #expect(seen.field("x-user") == "bob" && !seen.text.contains("eve") && seen.field("x-other") == nil)
            #expect(seen.field("x-out") == nil && seen.field("x-in-a") == nil && seen.field("cookie") == "s=1")
            #expect(seen.text.hasSuffix("\r\n\r\ncontent") && seen.path == "/asked?q=1")
            _ = try await rig.get("/asked")
            #expect(check.connectionCount == 1)
        }
    }

    @Test("every other status is the caller's answer, with the fields that are selected; 5xx is none")
    func denies() async throws {
        let answer: @Sendable (WebServer.Request) -> String? = { request in
            switch request.path {
            case "/check/asked/login":
                WebServer.text("go", status: "302 Found", fields: "Location: /login\r\nX-A: 1\r\nHost: x\r\n")
            case "/check/asked/broken": WebServer.text("no", status: "500 Internal Server Error")
            case "/check/asked/gone": nil
            case "/check/asked/other": WebServer.text("", status: "201 Created")
            default: WebServer.text("no", status: "401 Unauthorized", fields: "WWW-Authenticate: x\r\nX-A: 1\r\n")
            }
        }
        try await with([Make.asking(Make.authorizer(try Self.http()))], answer) { rig, server, _ in
            let login = try await rig.get("/asked/login")
            #expect(login.hasPrefix("HTTP/1.1 302 ") && login.hasSuffix("\r\n\r\ngo"), "\(login)")
            #expect(login.contains("location: /login\r\n") && login.contains("x-a: 1\r\n") && !login.contains("host:"))
            #expect(try await rig.get("/asked/other").hasPrefix("HTTP/1.1 201 "))
            for path in ["/asked/broken", "/asked/gone"] {
                #expect(try await rig.get(path).hasPrefix("HTTP/1.1 403 "), "\(path)")
            }
            let few = Make.authorizer(try Self.http { $0.toCallerOnDenial = .listed([.exact("x-b")]) })
            try await rig.judge(by: RequestPolicySet(applying: [Make.asking(few)]))
            let plain = try await rig.get("/asked")
            #expect(plain.hasPrefix("HTTP/1.1 401 ") && plain.contains("www-authenticate: x\r\n"), "\(plain)")
            #expect(!plain.contains("x-a:") && server.requests.isEmpty)
        }
    }

    @Test("gets a body where it should")
    func body() async throws {
        let authorizer = Make.authorizer(try Self.http()) { $0.body = CheckedBody(bytesMax: 4, mayBePartial: true) }
        let answer: @Sendable (WebServer.Request) -> String? = { _ in WebServer.text("") }
        try await with([Make.asking(authorizer)], answer) { rig, server, check in
            let text = try await rig.get("/asked", method: "PUT", body: "content")
            #expect(text.hasPrefix("HTTP/1.1 200 "), "\(text)")
            #expect(check.requests.first?.text.hasSuffix("\r\n\r\ncont") == true)
            #expect(check.requests.first?.field("x-envoy-auth-partial-body") == "true")
            #expect(check.requests.first?.field("content-length") == "4")
            #expect(server.requests.first?.text.hasSuffix("\r\n\r\ncontent") == true)
        }
    }

    // MARK: - Routes

    private static func rule(_ filter: ExternalAuthorization) throws -> HTTPRouteRule {
        try Make.rule("/", RouteBehaviour(.forward(to: [try Make.forward("api")]), authorization: filter))
    }

    @Test("a route's authorizer by HTTP: all of its fields go on, and nobody there means no")
    func route() async throws {
        let filter = ExternalAuthorization(
            target: Make.target("other"),
            transport: .http(
                pathPrefix: try ReplacementPath("/auth"), allowedHeaders: [try HeaderName("x-in")],
                allowedResponseHeaders: []), bodyBytesMax: 3)
        let answer: @Sendable (WebServer.Request) -> String? = { request in
            request.field("x-in") == "good"
                ? WebServer.text("", fields: "X-User: bob\r\nContent-Type: text/x\r\nHost: evil\r\n")
                : WebServer.text("who are you", status: "401 Unauthorized")
        }
        try await with(routes: [try Self.rule(filter)], answer) { rig, server, check in
            let good = "X-In: good\r\nX-Not: 1\r\nContent-Type: text/own\r\n"
            #expect(try await rig.get("/a", method: "PUT", fields: good, body: "body").hasPrefix("HTTP/1.1 200 "))
            #expect(check.requests.first?.path == "/auth/a" && check.requests.first?.text.hasSuffix("bod") == true)
            #expect(check.requests.first?.field("x-not") == nil)
            let seen = try #require(server.requests.first)
            #expect(seen.field("x-user") == "bob" && seen.field("content-type") == "text/own")
            #expect(seen.field("host") == "api" && seen.text.hasSuffix("body"))
            let text = try await rig.get("/a")
            #expect(text.hasPrefix("HTTP/1.1 401 ") && text.hasSuffix("who are you"), "\(text)")
            check.stop()
            try await eventually("nobody answers any more") {
                try await rig.get("/a", fields: good).hasPrefix("HTTP/1.1 403 ")
            }
            #expect(server.requests.count == 1)
            try await eventually("the log names it") {
                rig.log.text.contains("external authorizer shop/other.shop.svc.cluster.local:80 denied it")
                    && rig.log.text.contains("ext_authz_error") && rig.log.text.contains("UAEX")
            }
        }
    }

    @Test("a route's authorizer by gRPC gets the fields that are allowed")
    func grpcRoute() async throws {
        let server = try await WebServer { _ in WebServer.text("ok") }
        let check = try await CheckServer { question in
            question.attributes.request.http.headers["x-in"] == "good" ? .allowed : .denied()
        }
        let filter = ExternalAuthorization(
            target: Make.target("other"), transport: .grpc(allowedHeaders: [try HeaderName("x-in")]))
        let rig = try await GatewayRig(
            Make.pair(
                api: [("127.0.0.1", server.port)], other: [("127.0.0.1", check.port)],
                routes: [try Self.rule(filter)]))
        #expect(try await rig.get("/", fields: "X-In: good\r\nX-Not: 1\r\n").hasPrefix("HTTP/1.1 200 "))
        #expect(check.questions.first?.attributes.request.http.headers == ["x-in": "good"])
        #expect(try await rig.get("/").hasPrefix("HTTP/1.1 403 "))
        server.stop()
        try await check.stop()
        try await rig.stop()
    }
}
