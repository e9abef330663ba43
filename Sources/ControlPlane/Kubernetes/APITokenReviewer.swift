package import ControlAuthority
internal import ControlSources
internal import Foundation
package import Logging
internal import MeshModel
internal import Synchronization

/// Asks an API server whose a token is (kubernetes.io, "TokenReview v1 authentication.k8s.io").
package final class APITokenReviewer: TokenReviewer {
    /// Extra keys of the user that a token of a service account makes (kubernetes.io, "Managing Service Accounts",
    /// "Additional metadata in Pod bound tokens").
    private enum Extra {
        static let podName = "authentication.kubernetes.io/pod-name"
        static let podUID = "authentication.kubernetes.io/pod-uid"
        static let nodeName = "authentication.kubernetes.io/node-name"
    }

    private static let served = ServedKind(
        kind: ResourceKind(
            kind: "TokenReview", plural: "tokenreviews", group: "authentication.k8s.io", versions: ["v1"]),
        version: "v1")
    /// Clients wait 10 s for a certificate.
    private static let answerSeconds = 5

    private let client: APIClient
    private let audiences: [String]
    private let log: Logger
    /// What stands in the log without its end.
    private let trouble = Mutex<APIFailure?>(nil)

    /// - Parameter audiences: a token must be for one of them.
    package init(_ client: APIClient, audiences: [String], log: Logger) {
        self.client = client
        self.audiences = audiences
        self.log = log
    }

    /// One question to the API server.
    package func review(_ token: String) async throws(TokenReviewFailure) -> TokenReview {
        let question: JSONValue = [
            "spec": ["token": .string(token), "audiences": .array(audiences.map { .string($0) })]
        ]
        let answer: JSONValue
        do {
            answer = try await client.send(
                .create(question, of: Self.served, namespace: nil), seconds: Self.answerSeconds)
        } catch {
            say(error)
            throw .unreachable("\(error)")
        }
        say(nil)
        guard let review = Self.review(answer, audiences: audiences, token: token) else {
            throw .unreachable("the answer has no status")
        }
        return review
    }

    /// Each trouble once, and its end.
    private func say(_ failure: APIFailure?) {
        let told = trouble.withLock { trouble in
            defer { trouble = failure }
            return trouble
        }
        switch (told, failure) {
        case (nil, let failure?):
            let hint = failure.isForbidden ? "; apusd needs the right to create tokenreviews" : ""
            log.warning("tokens cannot be reviewed: \(failure)\(hint)")
        case (_?, nil): log.info("tokens can be reviewed again")
        default: break
        }
    }

    /// What the server's answer says; `nil`: it is no answer.
    static func review(_ answer: JSONValue, audiences: [String], token: String) -> TokenReview? {
        guard let status = answer["status"] else { return nil }
        guard status["authenticated"] == true else {
            return .refused(status["error"]?.text.map { String($0.prefix(300)) } ?? "it is not valid")
        }
        // A server that knows nothing of audiences names none, and the token may be for anybody.
        let found = status["audiences"]?.texts ?? []
        guard !Set(found).isDisjoint(with: audiences) else {
            return .refused("expected a token for the audience \(audiences), found one for \(found)")
        }
        let user = status["user"]?["username"]?.text ?? ""
        guard let account = account(user) else {
            return .refused("expected the token of a service account, found that of user '\(user.prefix(300))'")
        }
        let extra = status["user"]?["extra"]
        func first(_ key: String) -> String? { extra?[key]?.texts.first.flatMap { $0.isEmpty ? nil : $0 } }
        var pod: ReviewedToken.Pod?
        if let name = first(Extra.podName), let uid = first(Extra.podUID) {
            pod = ReviewedToken.Pod(name: name, uid: uid)
        }
        return .accepted(
            ReviewedToken(
                account: account, pod: pod, node: first(Extra.nodeName), expirySeconds: expirySeconds(token)))
    }

    /// `system:serviceaccount:NAMESPACE:NAME`.
    private static func account(_ user: String) -> TokenHolder.Account? {
        let parts = user.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty,
            !parts[3].isEmpty
        else { return nil }
        return TokenHolder.Account(namespace: String(parts[2]), name: String(parts[3]))
    }

    /// The `exp` of a token that the server has accepted: the server does not repeat it. `nil`: there is none.
    static func expirySeconds(_ token: String) -> Int64? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        // RFC 7515, section 2: the alphabet of URLs, without padding.
        var text = parts[1].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        text += Array(repeating: "=", count: (4 - text.count % 4) % 4)
        guard let data = Data(base64Encoded: String(text)), let claims = try? APIReader.tree(Array(data)).value,
            case .number(let seconds)? = claims["exp"], let value = Double(seconds), value.magnitude < 1e15
        else { return nil }
        return Int64(value)
    }
}
