import MeshModel

/// Authorizers as golden files show them.
enum AuthorizerText {
    static func describe(_ authorizer: Authorizer) -> [String] {
        let name =
            switch authorizer.transport {
            case .grpc: "gRPC"
            case .http: "HTTP"
            }
        var line = "  asks \(authorizer.target) by \(name) for \(authorizer.timeoutNanoseconds / 1_000_000) ms"
        line += ", \(authorizer.failsOpen ? "open" : "closed") with \(authorizer.statusOnError) on error"
        if let body = authorizer.body {
            line += ", body of \(body.bytesMax)\(body.mayBePartial ? " cut" : "")\(body.isBinary ? " binary" : "")"
        }
        guard case .http(let http) = authorizer.transport else { return [line] }
        let added = http.added.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        return [
            line, "    at '\(http.pathPrefix)' with \(describe(http.sent)) and [\(added)]",
            "    to the request \(describe(http.toUpstream));"
                + " to the caller \(describe(http.toCallerOnDenial)) on denial"
                + " and \(describe(http.toCallerOnAdmission)) on admission",
        ]
    }

    private static func describe(_ selection: HeaderSelection) -> String {
        switch selection {
        case .all: "all"
        case .listed(let matches): "[\(matches.map(\.description).joined(separator: ", "))]"
        }
    }
}
