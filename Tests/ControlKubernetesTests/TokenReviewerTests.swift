import ControlAuthority
import ControlSources
import Foundation
import Logging
import MeshModel
import Testing

@testable import ControlKubernetes

@Suite("Tokens at an API server", .timeLimit(.minutes(1)))
struct TokenReviewerTests {
    /// `{"exp":1700000000}` between a header and a signature.
    private static let token = "e30.eyJleHAiOjE3MDAwMDAwMDB9.x_-"

    private static func answer(_ status: String) -> String {
        "{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\",\"status\":\(status)}"
    }

    private static let podExtra = """
        "extra":{"authentication.kubernetes.io/pod-name":["web-1"],"authentication.kubernetes.io/pod-uid":["u1"]}
        """

    private static func accepted(
        pod: ReviewedToken.Pod? = nil, node: String? = nil
    ) -> TokenReview {
        .accepted(
            ReviewedToken(
                account: .init(namespace: "shop", name: "web"), pod: pod, node: node, expirySeconds: 1_700_000_000))
    }

    @Test("what the server's answer says", arguments: [
        (
            """
            {"authenticated":true,"audiences":["istio-ca"],\
            "user":{"username":"system:serviceaccount:shop:web",\(podExtra)}}
            """, accepted(pod: .init(name: "web-1", uid: "u1"))
        ),
        (
            """
            {"authenticated":true,"audiences":["a","istio-ca"],"user":{"username":"system:serviceaccount:shop:web",\
            "extra":{"authentication.kubernetes.io/node-name":["n1"],"authentication.kubernetes.io/pod-uid":["u1"]}}}
            """, accepted(node: "n1")
        ),
        (#"{"error":"token has expired"}"#, .refused("token has expired")),
        (#"{"authenticated":false}"#, .refused("it is not valid")),
        (#"{"authenticated":"true","audiences":["istio-ca"]}"#, .refused("it is not valid")),
        (
            #"{"authenticated":true,"user":{"username":"system:serviceaccount:shop:web"}}"#,
            .refused(#"expected a token for the audience ["istio-ca"], found one for []"#)
        ),
        (
            #"{"authenticated":true,"audiences":["api"],"user":{"username":"system:serviceaccount:shop:web"}}"#,
            .refused(#"expected a token for the audience ["istio-ca"], found one for ["api"]"#)
        ),
        (
            #"{"authenticated":true,"audiences":["istio-ca"],"user":{"username":"admin"}}"#,
            .refused("expected the token of a service account, found that of user 'admin'")
        ),
        (
            #"{"authenticated":true,"audiences":["istio-ca"],"user":{"username":"system:serviceaccount:shop:"}}"#,
            .refused("expected the token of a service account, found that of user 'system:serviceaccount:shop:'")
        ),
    ] as [(String, TokenReview)])
    func answers(status: String, review: TokenReview) throws {
        let answer = try APIReader.tree(Array(Self.answer(status).utf8)).value
        #expect(APITokenReviewer.review(answer, audiences: ["istio-ca"], token: Self.token) == review)
    }

    @Test("the end of a token's life is read where there is one", arguments: [
        (token, 1_700_000_000), ("e30.e30.x", nil), ("a.b", nil), ("", nil), ("e30.!!.x", nil),
        ("e30.eyJleHAiOiIxIn0.x", nil), ("e30.eyJleHAiOjFlMzAwfQ.x", nil),
    ] as [(String, Int64?)])
    func expiry(token: String, seconds: Int64?) { #expect(APITokenReviewer.expirySeconds(token) == seconds) }

    private static func reviewer(_ server: FakeServer) throws -> (APITokenReviewer, APIClient) {
        let configuration = try ClusterConfiguration(
            server: server.url, rootsPEM: nil, client: nil, credentials: .token("ours"), origin: "test")
        let client = try APIClient(configuration)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return (APITokenReviewer(client, audiences: ["istio-ca", "more"], log: log), client)
    }

    @Test("the token and the audiences are asked, in our own name")
    func question() async throws {
        let server = try await FakeServer { _ in
            .whole(Self.answer(#"{"authenticated":false,"error":"no"}"#), status: 201)
        }
        let (reviewer, client) = try Self.reviewer(server)
        #expect(try await reviewer.review("a.b\"c") == .refused("no"))
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.path == "/apis/authentication.k8s.io/v1/tokenreviews")
        #expect(request.authorization == "Bearer ours")
        let body = try APIReader.tree(Array(request.body.utf8)).value
        #expect(body["spec"]?["token"]?.text == "a.b\"c")
        #expect(body["spec"]?["audiences"]?.texts == ["istio-ca", "more"])
        await client.close()
        await server.stop()
    }

    @Test("no answer is no refusal", arguments: [401, 403, 404, 409, 422, 429, 500, 503])
    func unreachable(status: Int) async throws {
        let server = try await FakeServer { _ in .refused(status) }
        let (reviewer, client) = try Self.reviewer(server)
        let error = await #expect(throws: TokenReviewFailure.self) { try await reviewer.review("a") }
        if case .unreachable = error {} else { Issue.record("\(error.map { "\($0)" } ?? "none")") }
        await client.close()
        await server.stop()
    }
}
