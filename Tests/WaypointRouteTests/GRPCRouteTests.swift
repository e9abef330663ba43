import MeshModel
import Testing
import WaypointRoute

@Suite("Matching of gRPC routes")
struct GRPCRouteTests {
    private func index(
        _ rules: [(GRPCMatch, String)], http: [HTTPRouteRule] = [], hosts: [String] = []
    ) throws -> RouteIndex {
        let rules = try rules.enumerated().map { number, rule in
            try GRPCRouteRule(
                origin: Make.origin("g", rule: number, kind: .grpc), hostnames: try hosts.map { try RouteHostname($0) },
                matches: [rule.0], behaviour: Make.forward(rule.1))
        }
        return RouteIndex(Make.table(http, grpc: rules))
    }

    private func call(_ path: String, _ headers: [(String, String)] = [], host: String = "echo") throws -> RequestHead {
        try Make.head("POST \(path)", [("content-type", "application/grpc")] + headers, host: host)
    }

    private func exact(_ service: String?, _ method: String?, _ headers: [(String, String)] = []) throws -> GRPCMatch {
        let headers = try headers.map { HeaderMatch(try HeaderName($0.0), .exact($0.1)) }
        return GRPCMatch(method: try GRPCMethodMatch(exactService: service, method: method), headers: headers)
    }

    @Test("GRPCExactMethodMatching")
    func exactMethod() throws {
        let service = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho"
        let index = try index([(exact(service, "Echo"), "v1"), (exact(service, "EchoTwo"), "v2")])
        for (method, backend) in [("Echo", "v1"), ("EchoTwo", "v2"), ("EchoThree", "404"), ("echo", "404")] {
            #expect(try index.backend(call("/\(service)/\(method)")) == backend)
        }
    }

    @Test("GRPCRouteHeaderMatching")
    func headers() throws {
        let match = { (headers: [(String, String)]) in
            GRPCMatch(headers: try headers.map { HeaderMatch(try HeaderName($0.0), .exact($0.1)) })
        }
        let index = try index([
            (match([("version", "one")]), "v1"), (match([("version", "two")]), "v2"),
            (match([("version", "two"), ("color", "orange")]), "v1"), (match([("color", "blue")]), "v1"),
            (match([("color", "red")]), "v2"),
        ])
        for (headers, backend) in [
            ([("version", "one")], "v1"), ([("version", "two")], "v2"),
            ([("version", "two"), ("color", "orange")], "v1"), ([("color", "blue")], "v1"), ([("color", "red")], "v2"),
            ([("color", "purple")], "404"), ([], "404"),
        ] as [([(String, String)], String)] {
            #expect(try index.backend(call("/s/M", headers)) == backend)
        }
    }

    @Test("GRPCRouteListenerHostnameMatching")
    func hostnames() throws {
        let index = try index([(GRPCMatch(), "v1")], hosts: ["bar.com", "*.foo.com"])
        for (host, backend) in [("bar.com", "v1"), ("a.foo.com:7070", "v1"), ("foo.com", "404"), ("x.bar.com", "404")] {
            #expect(try index.backend(call("/s/M", host: host)) == backend)
        }
    }

    @Test("service before method before headers; expressions behind literal text")
    func precedence() throws {
        let pattern = { (service: String?, method: String?) in
            GRPCMatch(method: try GRPCMethodMatch(servicePattern: service, methodPattern: method))
        }
        let rules = [
            (GRPCMatch(headers: [HeaderMatch(try HeaderName("a"), .exact("b"))]), "headers"),
            (try pattern("[a-z.]+", nil), "pattern"), (try pattern("p[.].*", "Get.*"), "patterns"),
            (try exact(nil, "Get"), "method"), (try exact("p.S", nil), "service"), (try exact("p.S", "Get"), "both"),
            (GRPCMatch(), "any"),
        ]
        for order in [rules, rules.reversed()] {
            let index = try index(order)
            for (path, backend) in [
                ("/p.S/Get", "both"), ("/p.S/Set", "service"), ("/p.T/Get", "patterns"), ("/q.T/Get", "method"),
                ("/p.t/Set", "pattern"), ("/q.T/Set", "headers"), ("/p.S", "headers"), ("/p.S/", "headers"),
                ("/p.Sx/Set", "headers"),
            ] {
                #expect(try index.backend(call(path, [("a", "b")])) == backend, "\(path)")
            }
            #expect(try index.backend(call("/q.T/Set")) == "any")
        }
    }

    @Test("HTTP and gRPC rules of one port are matched together")
    func merged() throws {
        let rule = try HTTPRouteRule(
            origin: Make.origin("h"), matches: [HTTPMatch(.prefix("/"))], behaviour: Make.forward("web"))
        let index = try index([(exact("p.S", nil), "grpc")], http: [rule])
        #expect(try index.backend(call("/p.S/Get")) == "grpc")
        #expect(try index.backend(Make.head("/index.html")) == "web")
    }

    @Test("only a POST with a content type of gRPC is a call")
    func isGRPC() throws {
        for (request, type, isGRPC) in [
            ("POST /", "application/grpc", true), ("POST /", "application/grpc+proto", true),
            ("POST /", "application/grpc;x=y", true), ("POST /", "application/grpc-web", false),
            ("GET /", "application/grpc", false), ("POST /", "application/json", false),
        ] {
            #expect(try Make.head(request, [("Content-Type", type)]).isGRPC == isGRPC, "\(type)")
        }
        #expect(try !Make.head("POST /").isGRPC)
    }
}
