package import MeshModel
internal import WaypointRoute

extension Authorizer {
    /// The authorizer speaks gRPC, which is HTTP/2 whatever its port says.
    package var isGRPC: Bool {
        switch transport {
        case .grpc: true
        case .http: false
        }
    }

    /// What it is asked.
    /// - Throws: ``ServiceFailure/unaskable(_:)``.
    package func question(about request: CheckedRequest) throws(ServiceFailure) -> ServiceQuestion {
        switch transport {
        case .grpc(let sent):
            let message = try CheckMessage.bytes(about: request, sent: sent, isBinary: body?.isBinary ?? false)
            return try GRPCMessage.question(
                "/envoy.service.auth.v3.Authorization/Check", of: target, message: message,
                timeoutNanoseconds: timeoutNanoseconds)
        case .http(let http): return try http.question(about: request)
        }
    }

    /// What its answer says.
    /// - Throws: ``ServiceFailure``: it says nothing about the request.
    package func judge(_ answer: ServiceAnswer) throws(ServiceFailure) -> AuthorizerVerdict {
        switch transport {
        case .grpc: try CheckMessage.verdict(try GRPCMessage.message(of: answer))
        case .http(let http): try http.judge(answer)
        }
    }
}

extension CheckedRequest {
    /// A header of questions that have a body along: whether it is only a part. Source: Envoy's documentation of the
    /// external authorization filter.
    static let partialBodyName = "x-envoy-auth-partial-body"
}
