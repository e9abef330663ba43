/// Finds the route of a request; pure.
struct AdminRouter: Sendable {
    private let exact: [String: AdminRoute]
    /// Longest first, without the star.
    private let below: [(prefix: String, route: AdminRoute)]

    /// Two routes with one path are our own mistake.
    init(_ routes: [AdminRoute]) {
        exact = Dictionary(
            routes.filter { !$0.path.hasSuffix("/*") }.map { ($0.path, $0) },
            uniquingKeysWith: { first, _ in preconditionFailure("two admin routes have the path \(first.path)") })
        below = routes.filter { $0.path.hasSuffix("/*") }
            .map { (String($0.path.dropLast()), $0) }
            .sorted { $0.0.utf8.count > $1.0.utf8.count }
    }

    func respond(to request: AdminRequest) async -> AdminResponse {
        let found = exact[request.path] ?? below.first { request.path.hasPrefix($0.prefix) }?.route
        guard let route = found else {
            return .text("no such page: expected one of those listed at /\n", status: 404)
        }
        guard route.methods.contains(request.method) else {
            let allowed = route.methods.map(\.rawValue).sorted().joined(separator: ", ")
            let usage = route.usage.isEmpty ? "" : "\n\(route.usage)"
            let text = "expected method \(allowed), found \(request.method.rawValue)\(usage)\n"
            return AdminResponse(status: 405, headers: [(name: "allow", value: allowed)], body: Array(text.utf8))
        }
        return await route.handle(request)
    }
}
