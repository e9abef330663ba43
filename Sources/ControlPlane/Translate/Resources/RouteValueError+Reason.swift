package import MeshModel

extension RouteValueError {
    /// As a clause behind the name of a field.
    package var reason: String {
        switch self {
        case .hostname(let text): "expected a DNS name in lower case, found \"\(text.prefix(64))\""
        case .token(let text): "expected an HTTP token, found \"\(text.prefix(64))\""
        case .headerValue: "expected text without control characters"
        case .path(let text): "expected a path of the Gateway API, found \"\(text.prefix(64))\""
        case .repeatedHeader(let name): "names header \(name) in more than one action"
        case .emptyMethodMatch: "has neither service nor method"
        case .weight(let value): "expected a weight of at most 1000000, found \(value)"
        case .fraction(let part, let whole): "expected a share of the whole, found \(part)/\(whole)"
        case .origin(let text): "expected * or SCHEME://HOST[:PORT], found \"\(text.prefix(64))\""
        case .maximumAge(let value): "expected at least 1 second, found \(value)"
        case .port: "expected a port from 1 to 65535"
        case .prefixReplacementWithoutPrefix: "ReplacePrefixMatch needs every match of the rule to be a PathPrefix"
        case .filterNotAllowed: "has a filter that this kind of route cannot have"
        case .noHostnames: "needs at least one hostname"
        case .duration(let text): "expected a duration such as 10s or 1m30s, found \"\(text.prefix(64))\""
        case .tryLongerThanRequest: "backendRequest is longer than request"
        case .retryStatus(let value): "expected a status from 400 to 599, found \(value)"
        case .retryAttempts(let value): "expected 1 to 100 attempts, found \(value)"
        case .permanentWithoutTimeout: "lifetimeType Permanent needs absoluteTimeout"
        }
    }
}
