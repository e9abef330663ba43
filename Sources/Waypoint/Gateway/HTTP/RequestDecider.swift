internal import MeshModel
internal import MeshPolicy
internal import NIOHTTP1

/// What is known of a request when it is decided.
struct RequestQuestion {
    let head: HTTPRequestHead
    /// The caller and what it called.
    let facts: ConnectionFacts
    let target: CallTarget
}

/// What policy says of a request.
enum RequestVerdict: Hashable {
    case allowed
    /// Answered by us; the reason is for the log.
    case refused(LocalReply)
}

/// What routes say of a request.
enum RequestRoute {
    /// On to an endpoint of the target, with this head.
    case forward(HTTPRequestHead, to: CallTarget)
    case answer(LocalReply)
}

/// The two decisions about a request, each a pure function of what is known.
struct RequestDecider: Sendable {
    var judge: @Sendable (RequestQuestion) -> RequestVerdict
    var route: @Sendable (RequestQuestion) -> RequestRoute

    /// Everything that the connection's policy let in goes to what the caller called.
    static let plain = RequestDecider(
        judge: { _ in .allowed }, route: { .forward($0.head, to: $0.target) })
}

/// An answer that we give ourselves. Status, flag and text as Envoy's local replies.
struct LocalReply: Hashable, Sendable {
    let status: Int
    /// Short text for people.
    let body: String
    /// `response_flags` of the log.
    let flag: String
    /// `response_code_details` of the log.
    let details: String

    static func malformed(_ why: String) -> LocalReply {
        LocalReply(status: 400, body: "bad request: \(why)", flag: "DPE", details: "http1.codec_error")
    }

    /// No endpoint could be reached.
    static func unreachable(_ failure: ConnectionFailure) -> LocalReply {
        if case .noHealthyUpstream = failure {
            return LocalReply(status: 503, body: "no healthy upstream", flag: "UH", details: "no_healthy_upstream")
        }
        return disconnected("connection failure", flag: "UF", details: failure.description)
    }

    /// An endpoint went away before its answer.
    static func disconnected(_ why: String, flag: String = "UC", details: String) -> LocalReply {
        LocalReply(
            status: 503, body: "upstream connect error or disconnect/reset before headers. reset reason: \(why)",
            flag: flag, details: details)
    }

    /// An endpoint's answer is no HTTP.
    static func protocolError(_ why: String) -> LocalReply {
        LocalReply(status: 502, body: "upstream protocol error", flag: "UPE", details: why)
    }

    static let timedOut = LocalReply(
        status: 504, body: "upstream request timeout", flag: "UT", details: "response_timeout")
}
