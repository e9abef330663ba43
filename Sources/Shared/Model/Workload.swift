/// An endpoint with an identity: a pod, a WorkloadEntry, an inline endpoint. Every value here comes from discovery.
package struct Workload: Hashable, Sendable {
    /// Primary key, opaque: `CLUSTER//Pod/NAMESPACE/NAME` for a pod.
    package var uid: String
    package var name: String
    package var namespace: String
    package var serviceAccount: String
    package var trustDomain: String = Identity.defaultTrustDomain
    package var addresses: [IPAddress] = []
    /// To be resolved by us when there are no addresses; empty otherwise.
    package var hostname: String = ""
    package var network: String = ""
    package var networkMode: NetworkMode = .standard
    package var tunnel: TunnelProtocol = .none
    /// The workload terminates HBONE itself.
    package var nativeTunnel: Bool = false
    package var node: String = ""
    package var clusterID: String = "Kubernetes"
    package var canonicalName: String = ""
    package var canonicalRevision: String = ""
    package var workloadType: WorkloadType = .pod
    package var workloadName: String = ""
    package var status: WorkloadStatus = .healthy
    package var locality: Locality = Locality()
    /// Weight in load balancing, at least 1.
    package var capacity: UInt32 = 1
    package var waypoint: GatewayReference?
    package var networkGateway: GatewayReference?
    package var applicationTunnel: ApplicationTunnel?
    /// `NAMESPACE/NAME` of the policies that select this workload.
    package var authorizationPolicies: [String] = []
    /// Services this workload is an endpoint of, each with its own port mapping.
    package var services: [ServiceKey: [ServicePort]] = [:]

    package init(uid: String, name: String, namespace: String, serviceAccount: String = "default") {
        self.uid = uid
        self.name = name
        self.namespace = namespace
        self.serviceAccount = serviceAccount
    }

    package var identity: Identity {
        Identity(trustDomain: trustDomain, namespace: namespace, serviceAccount: serviceAccount)
    }
}

/// How to reach a workload from another node.
package enum TunnelProtocol: String, Hashable, Sendable {
    case none = "TCP"
    case hbone = "HBONE"
}

/// Whether a workload has addresses of its own.
package enum NetworkMode: String, Hashable, Sendable {
    case standard = "Standard"
    /// Shares its node's addresses, so it is never found by address.
    case hostNetwork = "HostNetwork"
}

/// Whether a workload should get new connections.
package enum WorkloadStatus: String, Hashable, Sendable {
    case healthy = "Healthy"
    case unhealthy = "Unhealthy"
}

/// The kind of resource that made the workload; only for telemetry.
package enum WorkloadType: String, Hashable, Sendable {
    case deployment, cronjob, pod, job
}

/// Where a workload runs; empty text is unknown.
package struct Locality: Hashable, Sendable {
    package var region: String
    package var zone: String
    package var subzone: String

    package init(region: String = "", zone: String = "", subzone: String = "") {
        self.region = region
        self.zone = zone
        self.subzone = subzone
    }
}

/// Asks the node proxy to hand connections to the workload in another form.
package struct ApplicationTunnel: Hashable, Sendable {
    package enum Form: String, Hashable, Sendable {
        case none = "NONE"
        case proxy = "PROXY"
    }

    package var form: Form
    /// Overrides the destination port; `nil` leaves it.
    package var port: UInt16?

    package init(form: Form, port: UInt16? = nil) {
        self.form = form
        self.port = port
    }
}
