import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import Testing

@testable import WaypointGateway

/// Messages that one reader takes for one request and another for two, or for another one.
@Suite("Ambiguous requests")
struct SmugglingTests {
    private static let table: [(name: String, text: String)] = [
        ("both lengths",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("the other order",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        ("the same length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"),
        ("a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
        ("a length in hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello"),
        ("a huge length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello"),
        ("an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"),
        ("chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        ("chunked on two lines",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunked not last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("another coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("nearly chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunked behind a tab", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n"),
        ("a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n"),
        ("a folded coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        ("a bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
        ("a bare LF between fields", "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n"),
        ("a bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        ("a bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n"),
        ("a NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n"),
        ("a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
        ("a space before the name", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        ("no name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
        ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n"),
        ("no Host", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n"),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a bad chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n"),
        ("a negative chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"),
        ("a chunk too long", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
        ("a chunk ended by LF", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n"),
    ]

    @Test("each is answered with 400 once, and nothing behind it is served")
    func refused() async throws {
        let received = Received()
        // An endpoint that answers nothing: only what is refused before or within its body gets an answer.
        let server = try await PlainServer { inbound, _ in for try await bytes in inbound { received.append(bytes) } }
        let ports = [ServicePort(servicePort: 80, targetPort: server.port, applicationProtocol: .http11)]
        let service = try Make.service("api", at: "10.1.0.1", ports: ports)
        let endpoint = try Make.workload("api-0", at: "127.0.0.1") { $0.services[service.key] = ports }
        var settings = Make.settings
        // What would be passed on is seen by this answer.
        settings.responseTimeout = .seconds(1)
        let rig = try await GatewayRig(settings: settings, Make.world([service], [endpoint]))
        for (name, text) in Self.table {
            let answer = try await rig.exchange(
                "10.1.0.1:80", text + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", endsInput: true)
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(name): \(answer)")
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2, "\(name): \(answer)")
        }
        #expect(!received.text.contains("smuggled"), "\(received.text)")
        server.stop()
        try await rig.stop()
    }

    @Test("HTTP/1.0 and CONNECT are not served")
    func others() async throws {
        let service = try Make.service(
            "api", at: "10.1.0.1", ports: [ServicePort(servicePort: 80, targetPort: 1, applicationProtocol: .http11)])
        let rig = try await GatewayRig(Make.world([service], []))
        let old = try await rig.exchange("10.1.0.1:80", "GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        #expect(old.hasPrefix("HTTP/1.1 426 "), "\(old)")
        let connect = try await rig.exchange("10.1.0.1:80", "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n")
        #expect(connect.hasPrefix("HTTP/1.1 405 "), "\(connect)")
        try await rig.stop()
    }
}
