import HBONE
import MeshDiscovery
import MeshModel
import MeshPolicy
import MeshWire
import NIOCore
import SwiftProtobuf
import Testing
import WaypointRoute

@testable import WaypointGateway

@Suite("External authorizers, by gRPC")
struct AuthorizerTests {
    private func with(
        _ policy: RequestPolicy, settings: GatewaySettings = Make.settings,
        _ answer: @escaping @Sendable (CheckServer.Question) -> CheckServer.Answer?,
        _ body: (GatewayRig, WebServer, CheckServer) async throws -> Void
    ) async throws {
        let server = try await WebServer { _ in WebServer.text("ok", fields: "X-Own: 1\r\n") }
        let check = try await CheckServer(answer)
        let rig = try await GatewayRig(
            settings: settings, policies: RequestPolicySet(applying: [policy]),
            Make.pair(api: [("127.0.0.1", server.port)], other: [("127.0.0.1", check.port)]))
        try await body(rig, server, check)
        #expect(try await rig.onLoop { [$0.questions.count, $0.questions.heldBytes] } == [0, 0])
        server.stop()
        try await check.stop()
        try await rig.stop()
    }

    @Test("is told who calls whom with what; all callers' questions share one connection")
    func question() async throws {
        try await with(Make.asking(Make.authorizer()), { _ in .allowed }) { rig, server, check in
            let fields = "X-A: 1\r\nX-A: 2\r\nX-Request-Id: id-1\r\nX-Bytes: \u{e9}\r\n"
            #expect(try await rig.get("/asked/a%20b?q=1", fields: fields).hasPrefix("HTTP/1.1 200 "))
            let http = try #require(check.questions.first?.attributes.request.http)
            #expect(http.method == "GET" && http.path == "/asked/a%20b?q=1" && http.host == "api")
            #expect(http.scheme == "http" && http.protocol == "HTTP/1.1" && http.id == "id-1" && http.size == 0)
            #expect(http.headers["x-a"] == "1,2" && http.headers[":authority"] == "api")
            #expect(http.headers[":path"] == http.path && http.headers["x-bytes"] == "\u{e9}")
            #expect(http.headers["x-envoy-attempt-count"] == nil && http.body.isEmpty && http.rawBody.isEmpty)
            let attributes = try #require(check.questions.first?.attributes)
            #expect(attributes.source.principal == "\(rig.caller)")
            #expect(attributes.source.address.socketAddress.address == "10.0.0.1")
            #expect(attributes.destination.address.socketAddress.address == "10.1.0.1")
            #expect(attributes.destination.address.socketAddress.portValue == 80)
            #expect(attributes.destination.principal == "\(Make.settings.identity)")
            #expect(attributes.request.time.seconds > 1_600_000_000)
            #expect(check.heads.first?.path.elementsEqual("/envoy.service.auth.v3.Authorization/Check".utf8) == true)
            #expect(check.heads.first.flatMap { HeaderList($0.fields)["grpc-timeout"] } == "10000m")

            let tunnel = try await rig.connect(as: Identity(namespace: "shop", serviceAccount: "second"))
            let connection = try await rig.openHTTP2(on: tunnel)
            #expect(try await rig.call(connection, "/asked").status == 200)
            #expect(check.questions.last?.attributes.request.http.protocol == "HTTP/2")
            #expect(check.questions.last?.attributes.source.principal.hasSuffix("/sa/second") == true)
            #expect(check.connectionCount == 1 && server.requests.count == 2)
            #expect(try await rig.get("/free").hasPrefix("HTTP/1.1 200 ") && check.questions.count == 2)
        }
    }

    @Test("what lets a request pass may change it and the answer to it, but not who calls")
    func changes() async throws {
        let answer: @Sendable (CheckServer.Question) -> CheckServer.Answer = { _ in
            .with {
                $0.status.code = 0
                $0.okResponse.headers = [("x-user", "bob"), ("x-forwarded-client-cert", "forged"), ("Host", "evil")]
                    .map { field in .with { ($0.header.key, $0.header.value) = field } }
                $0.okResponse.headers.append(
                    .with {
                        ($0.header.key, $0.header.value) = ("x-more", "2")
                        $0.append = true
                    })
                $0.okResponse.headersToRemove = ["X-Secret", "host", "x-forwarded-client-cert"]
                $0.okResponse.responseHeadersToAdd = [.with { ($0.header.key, $0.header.value) = ("x-seen", "yes") }]
                $0.okResponse.queryParametersToSet = [.with { ($0.key, $0.value) = ("who", "b b") }]
                $0.okResponse.queryParametersToRemove = ["drop"]
            }
        }
        try await with(Make.asking(Make.authorizer()), answer) { rig, server, _ in
            let fields = "X-User: eve\r\nX-User: eva\r\nX-More: 1\r\nX-Secret: s\r\n"
            let text = try await rig.get("/asked?who=me&d%72op=1&keep=1", fields: fields)
            #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("\r\nx-seen: yes\r\n"), "\(text)")
            let seen = try #require(server.requests.first)
            #expect(seen.path == "/asked?keep=1&who=b%20b" && seen.field("host") == "api")
            #expect(seen.text.contains("x-user: bob\r\n") && !seen.text.contains("eve") && !seen.text.contains("eva"))
            #expect(seen.text.contains("x-more: 1\r\n") && seen.text.contains("x-more: 2\r\n"))
            #expect(!seen.text.lowercased().contains("x-secret") && !seen.text.contains("forged"))
            #expect(seen.field("x-forwarded-client-cert")?.contains("URI=\(rig.caller)") == true)
        }
    }

    @Test("a denial is told with its status, fields and text, and logged with the provider")
    func denies() async throws {
        let answer: @Sendable (CheckServer.Question) -> CheckServer.Answer = { question in
            guard question.attributes.request.http.headers["x-plain"] == nil else { return .denied() }
            if let status = question.attributes.request.http.headers["x-status"] {
                return .denied(Int32(status) ?? 0, body: "HTTP/1.1 200 OK")
            }
            return .denied(
                401, body: "not you", fields: [("WWW-Authenticate", "x"), ("content-length", "1"), ("X-Why", "y")])
        }
        try await with(Make.asking(Make.authorizer()), answer) { rig, server, _ in
            let text = try await rig.get("/asked")
            #expect(text.hasPrefix("HTTP/1.1 401 ") && text.hasSuffix("\r\n\r\nnot you"), "\(text)")
            #expect(text.contains("www-authenticate: x\r\n") && text.contains("x-why: y\r\n"))
            #expect(try await rig.get("/asked", fields: "X-Plain: 1\r\n").hasPrefix("HTTP/1.1 403 "))
            let grpc = try await rig.get("/asked", method: "POST", fields: "Content-Type: application/grpc\r\n")
            #expect(grpc.hasPrefix("HTTP/1.1 200 ") && grpc.contains("grpc-status: 16\r\n"), "\(grpc)")
            for status in [204, 304] {
                let answer = try await rig.get("/asked", fields: "X-Status: \(status)\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("\r\n\r\n"), "\(answer)")
            }
            #expect(server.requests.isEmpty)
            try await eventually("the log says who") {
                rig.log.text.contains("external authorizer guard denied it (shop/p, rule 0)")
                    && rig.log.text.contains("response_flags=UAEX") && rig.log.text.contains("ext_authz_denied")
            }
        }
    }

    @Test("without an answer the request is refused, unless it is said to fail open; a new authorizer is found")
    func failures() async throws {
        let (silent, broken) = ("x-silent", "x-broken")
        let answer: @Sendable (CheckServer.Question) -> CheckServer.Answer? = { question in
            if question.attributes.request.http.headers[silent] != nil { return nil }
            if question.attributes.request.http.headers[broken] != nil {
                return .with {
                    $0.status.code = 0
                    $0.okResponse.headers = [.with { ($0.header.key, $0.header.value) = ("a b", "1") }]
                }
            }
            return .allowed
        }
        let policy = Make.asking(Make.authorizer { $0.timeoutNanoseconds = 100_000_000 })
        try await with(policy, answer) { rig, server, check in
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 200 "))
            #expect(try await rig.get("/asked", fields: "X-Silent: 1\r\n").hasPrefix("HTTP/1.1 403 "))
            try await eventually("the log says why") {
                rig.log.text.contains("guard gave no answer: no answer in time")
            }
            try await eventually("the question is taken back") { check.failures == 1 }
            #expect(try await rig.get("/asked", fields: "X-Broken: 1\r\n").hasPrefix("HTTP/1.1 403 "))
            try await check.stop()
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 403 ") && server.requests.count == 1)
            try await eventually("the log says that too") {
                rig.log.text.contains("guard gave no answer: unreachable") && rig.log.text.contains("ext_authz_error")
            }
            var open = policy
            open.authorizer?.failsOpen = true
            try await rig.judge(by: RequestPolicySet(applying: [open]))
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 200 "))
            try await eventually("the log tells of it") { rig.log.text.contains("let through") }
            var strict = policy
            strict.authorizer?.statusOnError = 503
            try await rig.judge(by: RequestPolicySet(applying: [strict]))
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 503 "))
            let second = try await CheckServer(port: Int(check.port)) { _ in .allowed }
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 200 ") && second.questions.count == 1)
            try await second.stop()
        }
    }

    @Test("a provider that nobody is behind denies, and so does a service that does not exist")
    func nobody() async throws {
        try await with(Make.asking(nil), { _ in .allowed }) { rig, server, check in
            #expect(try await rig.get("/asked").hasSuffix("RBAC: access denied"))
            let gone = Make.authorizer { $0.target = Make.target("gone") }
            try await rig.judge(by: RequestPolicySet(applying: [Make.asking(gone)]))
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 403 "))
            #expect(server.requests.isEmpty && check.questions.isEmpty)
        }
    }

    @Test("no more questions and no longer answers than there may be")
    func limits() async throws {
        var settings = Make.settings
        settings.questionsMax = 0
        try await with(Make.asking(Make.authorizer()), settings: settings, { _ in .allowed }) { rig, _, check in
            #expect(try await rig.get("/asked").hasPrefix("HTTP/1.1 403 ") && check.questions.isEmpty)
            try await eventually("the log says why") { rig.log.text.contains("too many questions under way") }
        }
        settings = Make.settings
        settings.questionAnswerBytesMax = 1_000
        let answer: @Sendable (CheckServer.Question) -> CheckServer.Answer = { question in
            let isLong = question.attributes.request.http.path == "/asked/long"
            return .denied(401, body: String(repeating: "a", count: isLong ? 2_000 : 500))
        }
        try await with(Make.asking(Make.authorizer()), settings: settings, answer) { rig, _, _ in
            #expect(try await rig.get("/asked/short").hasPrefix("HTTP/1.1 401 "))
            #expect(try await rig.get("/asked/long").hasPrefix("HTTP/1.1 403 "))
            try await eventually("the log says why") { rig.log.text.contains("the answer is too long") }
        }
    }

    @Test("a caller that goes away takes its question back")
    func leaving() async throws {
        try await with(Make.asking(Make.authorizer()), { _ in nil }) { rig, server, check in
            let channel = try await rig.open("10.1.0.1:80")
            try await channel.executeThenClose { _, outbound in
                try await outbound.write(ByteBuffer(string: "GET /asked HTTP/1.1\r\nHost: api\r\n\r\n"))
                try await eventually("it is asked") { check.questions.count == 1 }
            }
            try await eventually("it is taken back") { check.failures == 1 }
            #expect(server.requests.isEmpty)
        }
    }
}
