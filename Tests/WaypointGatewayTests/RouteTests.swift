import Foundation
import MeshDiscovery
import MeshModel
import MeshPolicy
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("Routes of the Gateway API in the path of requests")
struct RouteTests {
    private func servers() async throws -> (api: WebServer, other: WebServer) {
        (
            try await WebServer { WebServer.text("api\($0.path)", fields: "X-Old: 1\r\n") },
            try await WebServer { WebServer.text("other\($0.path)", fields: "X-Old: 1\r\n") }
        )
    }

    private func rig(
        _ servers: (api: WebServer, other: WebServer), _ rules: [HTTPRouteRule]?
    ) async throws -> GatewayRig {
        try await GatewayRig(
            Make.pair(
                api: [("127.0.0.1", servers.api.port)], other: [("127.0.0.1", servers.other.port)], routes: rules))
    }

    @Test("the rule decides where a request goes, how it is written, and what its answer says")
    func forwards() async throws {
        let servers = try await servers()
        let modifier = try HeaderModifier(
            set: [HeaderField(HeaderName("x-set"), "new")],
            add: [HeaderField(HeaderName("content-length"), "3")], remove: [HeaderName("x-gone")])
        let behaviour = RouteBehaviour(
            .forward(
                to: [try Make.forward("other")],
                rewrite: URLRewrite(
                    hostname: try DomainName("moved.example"), path: .prefix(try ReplacementPath("/new")))),
            requestHeaders: modifier,
            responseHeaders: try HeaderModifier(
                set: [HeaderField(HeaderName("x-answer"), "yes")], remove: [HeaderName("x-old")]))
        let rig = try await rig(
            servers,
            [
                try Make.rule("/old", behaviour),
                try Make.rule("/a", at: 1, RouteBehaviour(.forward(to: [try Make.forward("api")]))),
            ])
        let answer = try await rig.get("/old/x/../y?q=%2e", fields: "X-Gone: 1\r\n")
        #expect(answer.hasSuffix("\r\n\r\nother/new/y?q=%2e"), "\(answer)")
        #expect(answer.contains("x-answer: yes\r\n") && !answer.lowercased().contains("x-old"), "\(answer)")
        let request = try #require(servers.other.requests.first)
        #expect(request.field("host") == "moved.example" && request.field("x-set") == "new")
        #expect(request.field("x-gone") == nil && request.field("content-length") == nil, "\(request.text)")
        #expect(request.field("x-forwarded-client-cert")?.hasSuffix("URI=\(rig.caller)") == true)
        #expect(try await rig.get("/a").hasSuffix("\r\n\r\napi/a"))
        try await eventually("the log names the route") {
            rig.log.text.contains("route_name=\"shop/route.0\"")
                && rig.log.text.contains("upstream_cluster=\"outbound|80||other.shop.svc.cluster.local\"")
                && rig.log.text.contains("upstream_cluster=\"inbound-vip|80|http|api.shop.svc.cluster.local\"")
        }
        servers.api.stop()
        servers.other.stop()
        try await rig.stop()
    }

    @Test("what no rule matches is not found; what leads nowhere fails; a redirect and a preflight are answers")
    func answers() async throws {
        let servers = try await servers()
        let redirect = try RequestRedirect(scheme: .https, status: .movedPermanently)
        let rig = try await rig(
            servers,
            [
                try Make.rule("/none", RouteBehaviour(.forward(to: []))),
                try Make.rule("/bad", at: 1, RouteBehaviour(.forward(to: [RouteBackend(.invalid(.backendNotFound))]))),
                try Make.rule("/away", at: 2, RouteBehaviour(.redirect(redirect))),
                try Make.rule(
                    "/cors", at: 3,
                    RouteBehaviour(
                        .forward(to: [try Make.forward("api")]),
                        cors: try CORSPolicy(allowOrigins: [CORSOrigin("https://a.example")]))),
                try Make.rule(
                    "/gone", at: 4, RouteBehaviour(.forward(to: [try Make.forward("missing")]))),
                try Make.rule("/fault", at: 5, RouteBehaviour(.refuse(.other("no")))),
            ])
        for (path, status) in [
            ("/x", 404), ("/none", 500), ("/bad", 500), ("/away/b", 301), ("/gone", 503), ("/fault", 500),
            ("/x/../cors", 200),
        ] {
            #expect(try await rig.get(path).hasPrefix("HTTP/1.1 \(status) "), "\(path)")
        }
        #expect(try await rig.get("/away/b").contains("location: https://api/away/b\r\n"))
        let origin = "Origin: https://a.example\r\n"
        let asked = origin + "Access-Control-Request-Method: PUT\r\n"
        let preflight = try await rig.get("/cors", method: "OPTIONS", fields: asked)
        #expect(preflight.contains("access-control-allow-origin: https://a.example\r\n"))
        #expect(try await rig.get("/cors", fields: origin).contains("access-control-allow-origin: https://a.example"))
        #expect(servers.api.requests.count == 2)
        let grpc = try await rig.get("/x", method: "POST", fields: "Content-Type: application/grpc\r\n")
        #expect(grpc.hasPrefix("HTTP/1.1 200 ") && grpc.contains("grpc-status: 12\r\n"), "\(grpc)")
        servers.api.stop()
        servers.other.stop()
        try await rig.stop()
    }

    @Test("routes that were not understood refuse; new routes hold for the next request on an old connection")
    func changes() async throws {
        let servers = try await servers()
        let rig = try await rig(servers, nil)
        let channel = try await rig.open("10.1.0.1:80")
        try await channel.executeThenClose { inbound, outbound in
            let request = ByteBuffer(string: "GET /q HTTP/1.1\r\nHost: a\r\n\r\n")
            try await outbound.write(request)
            var answers: [String] = []
            var text = ""
            for try await bytes in inbound {
                text += String(buffer: bytes)
                guard text.hasSuffix("/q") || text.hasSuffix("understood") else { continue }
                answers.append(text)
                text = ""
                switch answers.count {
                case 1:
                    var world = try Make.pair(
                        api: [("127.0.0.1", servers.api.port)], other: [("127.0.0.1", servers.other.port)])
                    world.apply(contentsOf: [.refuseRoutes(name: "shop/api.shop.svc.cluster.local/80")])
                    try await rig.learn(world)
                case 2:
                    let behaviour = RouteBehaviour(.forward(to: [try Make.forward("other")]))
                    try await rig.learn(
                        try Make.pair(
                            api: [("127.0.0.1", servers.api.port)], other: [("127.0.0.1", servers.other.port)],
                            routes: [try Make.rule("/", behaviour)]))
                default: outbound.finish()
                }
                if answers.count < 3 { try await outbound.write(request) }
            }
            #expect(answers.count == 3)
            #expect(answers.first?.hasSuffix("api/q") == true && answers.last?.hasSuffix("other/q") == true)
            #expect(answers.dropFirst().first?.hasPrefix("HTTP/1.1 503 ") == true, "\(answers)")
        }
        servers.api.stop()
        servers.other.stop()
        try await rig.stop()
    }

    @Test("a table is compiled once for all calls, and dropped when it has changed")
    func compilesOnce() throws {
        let world = try Make.pair(api: [], routes: [try Make.rule("/", RouteBehaviour(.forward(to: [])))])
        var routes = LoopRoutes()
        routes.learn(world)
        var seen: [ObjectIdentifier] = []
        for namespace in ["shop", "shop", "elsewhere"] {
            guard case .table(let table) = routes.routes(to: Make.target("api"), from: namespace, in: world) else {
                Issue.record("no table")
                continue
            }
            seen.append(ObjectIdentifier(table))
        }
        #expect(Set(seen).count == 1 && routes.count == 1)
        var next = world
        next.apply(contentsOf: [.removeRoutes(name: "shop/api.shop.svc.cluster.local/80")])
        routes.learn(next)
        #expect(routes.count == 0)
    }
}
