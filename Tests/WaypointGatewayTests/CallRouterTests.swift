import MeshDiscovery
import MeshModel
import NIOCore
import Testing

@testable import WaypointGateway

@Suite("What a CONNECT asks for")
struct CallRouterTests {
    private func world() throws -> World {
        let ports = [ServicePort(servicePort: 80, targetPort: 8080, applicationProtocol: .http11)]
        let direct = try Make.workload("direct", at: "10.0.0.3") {
            $0.waypoint = GatewayReference(.hostname(Make.waypoint))
        }
        return Make.world(
            [
                try Make.service("api", at: "10.1.0.1", ports: ports),
                try Make.service("open", at: "10.1.0.2", ports: ports, waypoint: nil),
            ], [direct, try Make.workload("plain", at: "10.0.0.4")])
    }

    @Test(
        "our services and workloads are served, by address and by name",
        arguments: [
            ("10.1.0.1:80", "api"), ("api.shop.svc.cluster.local:80", "api"), ("10.0.0.3:9000", "direct"),
        ])
    func served(authority: String, name: String) throws {
        let target = try CallRouter(world: world(), settings: Make.settings).target(authority: authority)
        switch target.subject {
        case .service(let service): #expect(service.name == name)
        case .workload(let workload): #expect(workload.name == name)
        }
    }

    @Test(
        "nothing else is: a waypoint is no open proxy",
        arguments: [
            ("10.1.0.1", 400), ("nonsense", 400), ("[10.1.0.1]:80", 400), ("10.1.0.2:80", 403), ("10.0.0.4:80", 403),
            ("10.9.9.9:80", 404), ("example.com:443", 404), ("open.shop.svc.cluster.local:80", 403),
            ("10.1.0.1:81", 503), ("10.0.0.3:15008", 503),
        ])
    func refused(authority: String, status: Int) throws {
        let router = CallRouter(world: try world(), settings: Make.settings)
        do throws(CallRefusal) {
            let target = try router.target(authority: authority)
            Issue.record("served: \(target)")
        } catch {
            #expect(error.status == status, "\(error.failure)")
        }
    }

    @Test("a waypoint of the same name in another namespace is another")
    func otherNamespace() throws {
        var settings = Make.settings
        settings.namespace = "elsewhere"
        let router = CallRouter(world: try world(), settings: settings)
        #expect(throws: CallRefusal.self) { try router.target(authority: "10.1.0.1:80") }
    }

    @Test(
        "the port's own word decides, then the first bytes",
        arguments: [
            (ApplicationProtocol.tcp, 80, Treatment.opaque), (.tls, 80, .opaque), (.http11, 80, .detect),
            (.unknown, 80, .detect), (.unknown, 3306, .opaque), (.grpc, 80, .detect),
        ] as [(ApplicationProtocol, UInt16, Treatment)])
    func treatment(declared: ApplicationProtocol, port: UInt16, treatment: Treatment) throws {
        let ports = [ServicePort(servicePort: port, targetPort: 1, applicationProtocol: declared)]
        let service = try Make.service("api", at: "10.1.0.1", ports: ports)
        #expect(Treatment(CallTarget(subject: .service(service), port: port, address: nil)) == treatment)
    }

    @Test(
        "the first bytes of HTTP are known, all others are bytes",
        arguments: [
            ("GET / HTTP/1.1\r\n", Treatment.http), ("G", nil), ("OPTIONS", nil), ("DELETE ", .http),
            ("PRI * HTTP/2.0\r\n", .http2), ("PR", nil), ("PRIX", .opaque), ("SSH-2.0", .opaque),
            ("\u{16}\u{3}", .opaque), ("GETX", .opaque), ("get / HTTP/1.1", .opaque), ("", nil),
        ] as [(String, Treatment?)])
    func sniffs(text: String, treatment: Treatment?) {
        #expect(ProtocolSniffer.treatment(of: Array(text.utf8)) == treatment)
    }
}
