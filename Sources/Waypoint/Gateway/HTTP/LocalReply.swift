internal import MeshModel
internal import MeshPolicy
internal import WaypointHTTP
internal import WaypointRoute

/// An answer that we give ourselves. Status, flag and text as Envoy's.
struct LocalReply: Error, Hashable {
    var status: UInt16
    /// Short text for people.
    var body = ""
    /// `response_flags` of the log.
    var flag = "-"
    /// `response_code_details` of the log.
    var details: String
    /// Besides those that tell of the body.
    var headers = HeaderList()

    var head: ResponseHead {
        var headers = headers
        if !body.isEmpty, headers.index(of: "content-type".utf8) == nil {
            headers.append(name: "content-type".utf8, value: "text/plain".utf8)
        }
        return ResponseHead(status: status, headers: headers, isHeadOnly: body.isEmpty)
    }

    /// In the language of a gRPC caller: 200, and what went wrong in header fields.
    func asGRPC() -> LocalReply {
        guard status >= 400 else { return self }
        var reply = self
        reply.status = 200
        reply.body = ""
        reply.headers.replace(name: "content-type".utf8, value: "application/grpc".utf8)
        reply.headers.replace(name: "grpc-status".utf8, value: "\(Self.grpcStatus(status))".utf8)
        if !body.isEmpty { reply.headers.replace(name: "grpc-message".utf8, value: body.utf8) }
        return reply
    }

    /// As gRPC's own table of HTTP statuses says.
    private static func grpcStatus(_ status: UInt16) -> Int {
        switch status {
        case 400, 431: 13
        case 401: 16
        case 403: 7
        case 404: 12
        case 429, 502, 503, 504: 14
        default: 2
        }
    }

    // MARK: - What a caller did

    /// What came is no request that we serve.
    init(_ fault: HTTPFault) {
        let details =
            switch fault {
            case .headTooLarge, .tooManyFields: "request_headers_too_large"
            case .oldVersion: "low_version"
            case .connect: "connect_refused"
            case .request(let error): "request_\(error)"
            default: "http1.codec_error"
            }
        let isMalformed = fault.status == 400
        self.init(
            status: fault.status, body: isMalformed ? "bad request: \(fault.reason)" : fault.reason, flag: "DPE",
            details: details)
    }

    /// The head of a request did not come in time.
    static let headTooSlow = LocalReply(
        status: 408, body: "request timeout", flag: "DPE", details: "request_header_timeout")

    // MARK: - What policy and routes say

    static func denied(_ denial: RequestDenial) -> LocalReply {
        var flag = "-"
        if case .authorizerDenied = denial { flag = "UAEX" }
        if case .authorizerSilent = denial { flag = "UAEX" }
        return LocalReply(status: 403, body: "RBAC: access denied", flag: flag, details: denial.responseDetails)
    }

    /// There are routes that this waypoint does not understand: they might have refused the request.
    static let routesRefused = LocalReply(
        status: 503, body: "routes were not understood", flag: "NC", details: "routes_refused")

    static func unknownService(_ target: RouteTarget) -> LocalReply {
        LocalReply(status: 503, flag: "NC", details: "cluster_not_found: \(target)")
    }

    init(_ answer: RouteAnswer) {
        switch answer.cause {
        case .notFound: (flag, details) = ("NR", "route_not_found")
        case .redirect, .preflight: (flag, details) = ("-", "direct_response")
        case .noBackend: (flag, details) = ("-", "no_back_end")
        case .invalidBackend(let reason): (flag, details) = ("-", "invalid_back_end: \(reason.rawValue)")
        case .refused(let fault): (flag, details) = ("-", "route_refused: \(fault)")
        }
        status = answer.status
        headers = answer.headers
    }

    init(
        status: UInt16, body: String = "", flag: String = "-", details: String, headers: HeaderList = HeaderList()
    ) {
        self.status = status
        self.body = body
        self.flag = flag
        self.details = details
        self.headers = headers
    }

    // MARK: - What endpoints did

    /// No endpoint could be reached.
    static func unreachable(_ failure: ConnectionFailure) -> LocalReply {
        if case .noHealthyUpstream = failure {
            return LocalReply(status: 503, body: "no healthy upstream", flag: "UH", details: "no_healthy_upstream")
        }
        if case .limitReached = failure { return overflow }
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

    static let attemptTimedOut = LocalReply(
        status: 504, body: "upstream request timeout", flag: "UT", details: "upstream_per_try_timeout")
}
