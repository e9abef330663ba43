/// What `apus get` shows, and in which columns.
enum GetKind: String, CaseIterable {
    case routes, policies, gateways, waypoints, services, workloads

    var singular: String { names[0] }

    /// The singular first.
    var names: [String] {
        switch self {
        case .routes: ["route", "routes", "httproute", "httproutes", "grpcroute", "grpcroutes"]
        case .policies: ["policy", "policies", "authorizationpolicy", "authorizationpolicies", "ap"]
        case .gateways: ["gateway", "gateways", "gtw", "gw"]
        case .waypoints: ["waypoint", "waypoints"]
        case .services: ["service", "services", "svc"]
        case .workloads: ["workload", "workloads", "pod", "pods", "po"]
        }
    }

    /// The kinds of resources that it shows.
    var resourceKinds: [String] {
        switch self {
        case .routes: ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"]
        case .policies: ["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"]
        case .gateways, .waypoints: ["Gateway"]
        case .services: ["Service", "ServiceEntry"]
        case .workloads: ["Pod", "WorkloadEntry"]
        }
    }

    func includes(_ resource: ShownResource) -> Bool {
        self != .waypoints || WaypointGateway.classes.contains(resource["spec", "gatewayClassName"] ?? "")
    }

    func rows(_ resources: [ShownResource], isWide: Bool) -> [[String]] {
        let columns = columns + (isWide ? wideColumns : [])
        let head = ["NAMESPACE", "NAME"] + columns.map(\.title)
        return [head] + resources.map { resource in
            [resource.namespace, resource.name] + columns.map { $0.cell(resource) }.map { $0.isEmpty ? "<none>" : $0 }
        }
    }

    private struct Column {
        let title: String
        let cell: (ShownResource) -> String

        init(_ title: String, _ cell: @escaping (ShownResource) -> String) {
            self.title = title
            self.cell = cell
        }

        static func condition(_ type: String, as title: String? = nil) -> Column {
            Column(title ?? type.uppercased()) { $0.state(of: type) }
        }
    }

    private var columns: [Column] {
        switch self {
        case .routes:
            [
                Column("KIND") { $0.kind },
                Column("HOSTNAMES") { $0.list("spec", "hostnames").joined(separator: ",") },
                Column("PARENTS") { resource in
                    resource.list("spec", "parentRefs", each: ["kind", "name", "port"]).joined(separator: ",")
                },
                .condition("Accepted"), .condition("ResolvedRefs"),
            ]
        case .policies:
            [
                Column("KIND") { $0.kind },
                Column("ACTION") { $0.kind == "AuthorizationPolicy" ? $0["spec", "action"] ?? "ALLOW" : "" },
                Column("TARGETS") { resource in
                    (resource.list("spec", "targetRefs", each: ["kind", "name"])
                        + [resource.joined(["kind", "name"], at: "spec", "targetRef")]).filter { !$0.isEmpty }
                        .joined(separator: ",")
                },
                Column("RULES") { resource in
                    let key = resource.kind == "RequestAuthentication" ? "jwtRules" : "rules"
                    return resource.kind == "PeerAuthentication"
                        ? resource["spec", "mtls", "mode"] ?? "" : "\(resource.count("spec", key))"
                },
            ]
        case .gateways:
            [
                Column("CLASS") { $0["spec", "gatewayClassName"] ?? "" },
                Column("ADDRESS") { $0.addresses.joined(separator: ",") }, .condition("Programmed"),
            ]
        case .waypoints:
            [
                Column("TRAFFIC TYPE") { $0["metadata", "labels", WaypointGateway.trafficLabel] ?? "service" },
                Column("ADDRESS") { $0.addresses.joined(separator: ",") }, .condition("Programmed"),
            ]
        case .services:
            [
                Column("KIND") { $0.kind },
                Column("ADDRESS") { $0["spec", "clusterIP"] ?? $0.list("spec", "addresses").joined(separator: ",") },
                Column("PORTS") { resource in
                    let number = resource.kind == "Service" ? "port" : "number"
                    return resource.list("spec", "ports", each: [number]).joined(separator: ",")
                },
                Column("WAYPOINT") { $0["metadata", "labels", "istio.io/use-waypoint"] ?? "" },
                .condition("istio.io/WaypointBound", as: "BOUND"),
            ]
        case .workloads:
            [
                Column("ADDRESS") { $0["status", "podIP"] ?? $0["spec", "address"] ?? "" },
                Column("NODE") { $0["spec", "nodeName"] ?? "" },
                Column("SERVICEACCOUNT") { resource in
                    resource["spec", "serviceAccountName"] ?? resource["spec", "serviceAccount"] ?? "default"
                },
                Column("WAYPOINT") { $0["metadata", "labels", "istio.io/use-waypoint"] ?? "" },
            ]
        }
    }

    private var wideColumns: [Column] {
        let file = Column("FILE") { $0.file }
        switch self {
        case .routes, .gateways, .waypoints, .services: return [Column("MESSAGE") { $0.message }, file]
        case .policies, .workloads: return [file]
        }
    }
}
