import Foundation
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing
import WaypointAuthorizer
import WaypointRoute

/// Short ways to say what a test is about.
enum Make {
    static let target = RouteTarget(
        service: ServiceKey(namespace: "auth", hostname: "guard.auth.svc.cluster.local"), port: 9000)

    static func head(_ target: String = "/a?x=1", _ fields: [(String, String)] = []) throws -> RequestHead {
        RequestHead(
            method: .known(.get), scheme: .http, authority: try RequestAuthority("Api:80".utf8),
            path: try RequestPath(target.utf8), headers: HeaderList(fields))
    }

    static func request(
        _ head: RequestHead, size: Int? = 0, content: CheckedRequest.Content? = nil
    ) throws -> CheckedRequest {
        let address = try #require(TransportAddress("10.0.0.1:5000"))
        return CheckedRequest(
            head: head, version: "HTTP/2", size: size,
            source: .init(address: address, identity: Identity(namespace: "shop", serviceAccount: "web")),
            destination: .init(address: address, identity: Identity(namespace: "shop", serviceAccount: "waypoint")),
            timeMilliseconds: 1_234, content: content)
    }

    /// A whole answer of gRPC.
    static func answer(
        _ message: [UInt8], status: UInt16 = 200, flag: UInt8 = 0, length: Int? = nil,
        trailers: [(String, String)]? = [("grpc-status", "0")], headers: [(String, String)] = []
    ) -> ServiceAnswer {
        let count = length ?? message.count
        return ServiceAnswer(
            status: status, headers: HeaderList(headers),
            body: [flag, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + message,
            trailers: trailers.map { HeaderList($0) })
    }
}

@Suite("Messages to and from authorizers by gRPC")
struct CheckTests {
    private let authorizer = Authorizer(
        target: Make.target, transport: .grpc(sent: .all), timeoutNanoseconds: 1_500_000,
        body: CheckedBody(bytesMax: 10))

    private func asked(_ request: CheckedRequest) throws -> Envoy_Service_Auth_V3_AttributeContext.HttpRequest {
        let body = try authorizer.question(about: request).body
        #expect(body[0] == 0 && body[1..<5].reduce(0) { $0 << 8 | Int($1) } == body.count - 5)
        return try Envoy_Service_Auth_V3_CheckRequest(serializedBytes: Array(body[5...])).attributes.request.http
    }

    private func judge(_ change: (inout Envoy_Service_Auth_V3_CheckResponse) -> Void) throws -> AuthorizerVerdict {
        var response = Envoy_Service_Auth_V3_CheckResponse()
        change(&response)
        return try authorizer.judge(Make.answer(try response.serializedBytes()))
    }

    @Test("the question is a POST to the service's method, with the time that is left")
    func head() throws {
        let head = try authorizer.question(about: try Make.request(try Make.head())).head
        #expect(head.method == .known(.post) && head.authority.host == Array("guard.auth.svc.cluster.local".utf8))
        #expect(head.path.target == Array("/envoy.service.auth.v3.Authorization/Check".utf8))
        #expect(head.headers["grpc-timeout"] == "1m" && head.headers["te"] == "trailers")
        #expect(head.headers["content-type"] == "application/grpc")
    }

    @Test("header lines of one name are one value; what is no Unicode becomes an exclamation mark for each byte")
    func headers() throws {
        var head = try Make.head("/a", [("X-A", "1"), ("x-a", "2"), ("x-envoy-attempt-count", "1")])
        head.headers.append(name: "x-raw".utf8, value: [0x61, 0xff, 0xc3, 0x62])
        let http = try asked(try Make.request(head))
        #expect(http.headers["x-a"] == "1,2" && http.headers["x-raw"] == "a!!b")
        #expect(http.headers["x-envoy-attempt-count"] == nil && http.headers[":authority"] == "Api:80")
        #expect(http.host == "Api:80" && http.method == "GET" && http.query.isEmpty && http.size == 0)
    }

    @Test("a body is text; whether it is whole says a header that the caller cannot write")
    func body() throws {
        let head = try Make.head("/a", [("x-envoy-auth-partial-body", "forged")])
        let content = CheckedRequest.Content(bytes: [0x61, 0xff], isPartial: true)
        let http = try asked(try Make.request(head, size: nil, content: content))
        #expect(http.body == "a!" && http.rawBody.isEmpty && http.size == -1)
        #expect(http.headers["x-envoy-auth-partial-body"] == "true")
        #expect(try asked(try Make.request(head)).headers["x-envoy-auth-partial-body"] == nil)
    }

    @Test("an answer that is not one whole message with status 0 says nothing")
    func malformed() throws {
        let allowed: [UInt8] = []
        #expect(throws: Never.self) { _ = try authorizer.judge(Make.answer(allowed)) }
        let answers: [(ServiceAnswer, ServiceFailure)] = [
            (Make.answer(allowed, status: 404), .status(404)),
            (Make.answer(allowed, trailers: nil), .malformed("no gRPC status")),
            (Make.answer(allowed, trailers: []), .malformed("no gRPC status")),
            (
                Make.answer(allowed, trailers: [("grpc-status", "14"), ("grpc-message", "gone")]),
                .grpcStatus(code: "14", message: "gone")
            ),
            (
                Make.answer(allowed, trailers: nil, headers: [("grpc-status", "12")]),
                .grpcStatus(code: "12", message: "")
            ),
            (
                Make.answer(allowed, trailers: [("grpc-status", "2")], headers: [("grpc-status", "0")]),
                .grpcStatus(code: "2", message: "")
            ),
            (Make.answer(allowed, flag: 1), .malformed("a compressed message")),
            (Make.answer(allowed, length: 1), .malformed("not one whole message")),
            (Make.answer([0, 0], length: 1), .malformed("not one whole message")),
            (Make.answer([0xff]), .malformed("no CheckResponse")),
        ]
        for (answer, failure) in answers {
            #expect(throws: failure) { _ = try authorizer.judge(answer) }
        }
    }

    @Test("fields are overwritten, added or left as the answer says; what Envoy documents holds where it says nothing")
    func actions() throws {
        let verdict = try judge { response in
            response.okResponse.headers = [
                .with { ($0.header.key, $0.header.value) = ("x-set", "new") },
                .with { ($0.header.key, $0.header.value) = ("X-Set", "newer") },
                .with {
                    ($0.header.key, $0.header.value) = ("x-add", "new")
                    $0.append = true
                },
                .with {
                    ($0.header.key, $0.header.value) = ("x-there", "new")
                    $0.appendAction = .addIfAbsent
                },
                .with {
                    ($0.header.key, $0.header.value) = ("x-missing", "new")
                    $0.appendAction = .overwriteIfExists
                },
                .with {
                    ($0.header.key, $0.header.value) = ("x-over", "new")
                    $0.append = false
                    $0.appendAction = .addIfAbsent
                },
                .with { ($0.header.key, $0.header.rawValue) = ("x-raw", .init([0x61])) },
                .with { ($0.header.key, $0.header.value) = (":path", "/evil") },
                .with { ($0.header.key, $0.header.value) = ("Transfer-Encoding", "chunked") },
            ]
        }
        guard case .allowed(let changes) = verdict else {
            Issue.record("not allowed")
            return
        }
        var head = try Make.head(
            "/a", [("x-set", "1"), ("x-set", "2"), ("x-add", "1"), ("x-there", "1"), ("x-over", "1")])
        try changes.apply(to: &head)
        let fields = head.headers.pairs.map { "\($0.name)=\($0.value)" }.sorted()
        #expect(fields == ["x-add=1", "x-add=new", "x-over=new", "x-raw=a", "x-set=new", "x-set=newer", "x-there=1"])
        #expect(head.path.target == Array("/a".utf8) && changes.leavesAnswer)
    }

    @Test("what cannot be written refuses the answer: a control character, no name, an action that nobody knows")
    func unwritable() {
        let options: [Envoy_Config_Core_V3_HeaderValueOption] = [
            .with { ($0.header.key, $0.header.value) = ("x", "a\r\nb: c") },
            .with { ($0.header.key, $0.header.value) = ("", "a") },
            .with { ($0.header.key, $0.header.value) = ("a b", "c") },
            .with {
                ($0.header.key, $0.header.value) = ("x", "a")
                $0.appendAction = .UNRECOGNIZED(9)
            },
        ]
        for option in options {
            #expect(throws: ServiceFailure.self) { _ = try judge { $0.okResponse.headers = [option] } }
            #expect(throws: ServiceFailure.self) { _ = try judge { $0.okResponse.responseHeadersToAdd = [option] } }
            #expect(throws: ServiceFailure.self) {
                _ = try judge {
                    $0.status.code = 7
                    $0.deniedResponse.headers = [option]
                }
            }
        }
    }

    @Test("a denial has status 403 unless another is said; an error response is no denial")
    func denial() throws {
        for (written, status) in [(0, 403), (401, 401), (200, 200), (99, 403), (600, 403), (70_000, 403)] {
            let verdict = try judge {
                $0.status.code = 7
                $0.deniedResponse.status.code = Int32(written)
            }
            guard case .denied(let denial) = verdict else {
                Issue.record("not denied")
                return
            }
            #expect(denial.status == UInt16(status))
        }
        #expect(throws: ServiceFailure.errorResponse(status: 503)) {
            _ = try judge {
                $0.status.code = 13
                $0.errorResponse.status.code = 503
            }
        }
    }

    @Test("parameters are set once and removed however they are written; the others stay as they were")
    func parameters() throws {
        let cases = [
            ("/a", "/a?k=v"), ("/a?", "/a?k=v"), ("/a?k=1&b=%41&k=2", "/a?b=%41&k=v"), ("/a?%6B=1", "/a?k=v"),
            ("/a?gone=1&c", "/a?c&k=v"), ("/a?g%6Fne", "/a?k=v"),
        ]
        for (before, after) in cases {
            let path = try RequestPath(before.utf8).changed(
                setting: [QueryParameter(name: "k", value: "v")], removing: ["gone"])
            #expect(String(decoding: path.target, as: UTF8.self) == after, "\(before)")
            #expect(path.path.elementsEqual("/a".utf8))
        }
        let path = try RequestPath("/a".utf8).changed(
            setting: [QueryParameter(name: "a&b", value: "\u{e4} =#?")], removing: [])
        #expect(String(decoding: path.target, as: UTF8.self) == "/a?a%26b=%C3%A4%20%3D%23%3F")
    }
}
