import MeshModel

/// Attaches routes to services: one table for each port that any route names, and for each route what became of it.
struct RouteTranslation {
    private let services: RouteServices
    private let grants: ReferenceGrants
    private let parents: RouteParents
    private let waypoints: Set<ServiceKey>
    private var tables: [RouteScope: Rules] = [:]
    private(set) var statuses: [RouteStatus] = []
    private(set) var findings: [Finding] = []

    private struct Rules {
        var http: [HTTPRouteRule] = []
        var grpc: [GRPCRouteRule] = []
        var tcp: [TCPRouteRule] = []
        var tls: [TLSRouteRule] = []

        var routesRequests: Bool { !http.isEmpty || !grpc.isEmpty }
    }

    /// - Parameter waypoints: services that have one.
    init(
        _ resources: ResourceSet, _ context: TranslateContext, _ hosts: ServiceEntryHosts, waypoints: Set<ServiceKey>
    ) {
        services = RouteServices(resources, context, hosts)
        grants = ReferenceGrants(
            resources.referenceGrants, isRequired: context.settings.requiresReferenceGrants)
        parents = RouteParents(services)
        self.waypoints = waypoints
        // Requests before connections: a port whose requests are routed routes no connections.
        for route in resources.httpRoutes {
            add(route, \.http) { rules, route in rules.http(route.rules) }
        }
        for route in resources.grpcRoutes {
            add(route, \.grpc) { rules, route in rules.grpc(route.rules) }
        }
        for route in resources.tlsRoutes {
            add(route, \.tls) { rules, route in rules.tls(route.rules, hostnames: route.hostnames) }
        }
        for route in resources.tcpRoutes {
            add(route, \.tcp) { rules, route in rules.tcp(route.rules) }
        }
        statuses.sort { ($0.kind.rawValue, $0.namespace, $0.name) < ($1.kind.rawValue, $1.namespace, $1.name) }
    }

    /// By scope.
    var attached: [AttachedRoutes] {
        tables.map { scope, rules in
            AttachedRoutes(
                RouteTable(
                    target: scope.target, http: rules.http.sorted { $0.origin < $1.origin },
                    grpc: rules.grpc.sorted { $0.origin < $1.origin }, tcp: rules.tcp.sorted { $0.origin < $1.origin },
                    tls: rules.tls.sorted { $0.origin < $1.origin }),
                clientNamespace: scope.clientNamespace)
        }.sorted { $0.scope.description < $1.scope.description }
    }

    private mutating func add<Kind: RouteKind, Rule>(
        _ route: RouteResource<Kind>, _ list: WritableKeyPath<Rules, [Rule]>,
        _ make: (inout RouteRules, RouteResource<Kind>) -> [Rule]
    ) {
        var rules = RouteRules(route.metadata, kind: Kind.kind, services, grants)
        let built = make(&rules, route)
        var judgement = RouteJudgement(route, rules)
        // Two parentRefs may name one port.
        var done: Set<RouteScope> = []
        for reference in route.parents {
            let parent = parents.resolve(reference, of: route.metadata)
            switch parent.outcome {
            case .foreign: judgement.foreign(reference)
            case .refused(let message): judgement.refuse(reference, .noMatchingParent, message)
            case .attached(let targets, let client):
                guard judgement.isInForce else {
                    judgement.refuse(reference)
                    continue
                }
                let scopes = targets.map { RouteScope($0, clientNamespace: client) }
                let free = scopes.filter { accepts(Kind.kind, $0) }
                for scope in free where done.insert(scope).inserted {
                    tables[scope, default: Rules()][keyPath: list] += built
                }
                judgement.warn(reference, without: targets.filter { !waypoints.contains($0.service) })
                judgement.attach(reference, free, of: scopes)
            }
        }
        judgement.finish()
        statuses.append(judgement.status)
        findings += judgement.findings
    }

    private func accepts(_ kind: RouteOrigin.Kind, _ scope: RouteScope) -> Bool {
        switch kind {
        case .http, .grpc: true
        case .tcp, .tls: tables[scope]?.routesRequests != true
        }
    }
}
