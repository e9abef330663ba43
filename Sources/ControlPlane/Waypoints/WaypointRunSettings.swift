package import ControlAuthority
package import MeshKernel
package import MeshModel

/// How and where waypoints run.
package struct WaypointRunSettings: Sendable {
    /// Path of the program.
    package var program: String
    package var addresses: IPBlock
    /// How each is joined to the node; its gateway is where the control plane is reached from inside.
    package var attachment: PodLink.Attachment
    /// Where records and logs lie.
    package var state: StateDirectory
    package var trustDomain: String
    package var clusterID: String
    /// How long requests may go on when a waypoint leaves, in seconds.
    package var drainSeconds: Int
    /// More settings of each process, by name, such as where its spans go.
    package var moreSettings: [String: String]

    package init(
        program: String, addresses: IPBlock, attachment: PodLink.Attachment, state: StateDirectory,
        trustDomain: String, clusterID: String, drainSeconds: Int, moreSettings: [String: String] = [:]
    ) {
        self.program = program
        self.addresses = addresses
        self.attachment = attachment
        self.state = state
        self.trustDomain = trustDomain
        self.clusterID = clusterID
        self.drainSeconds = drainSeconds
        self.moreSettings = moreSettings
    }

    /// The node as waypoints see it.
    package var gateway: IPAddress {
        switch attachment {
        case .routed(let gateway), .bridged(_, _, let gateway): gateway
        }
    }

    /// Folder of records and logs inside the state directory.
    static let folder = "waypoints"
    /// Beyond the time for draining, until the process is killed, in seconds.
    package static let killSeconds = 3

    /// How names of devices begin: ours, and not those of another control plane on this machine.
    var devicePrefix: String {
        // FNV-1a, 32 bits: the same in each run.
        let hash = state.path.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let digits = String(hash & 0xffff, radix: 16)
        return "apw" + String(repeating: "0", count: 4 - digits.count) + digits + "-"
    }

    func link(_ lease: AddressPool.Lease) -> PodLink {
        PodLink(device: "\(devicePrefix)\(lease.number)", address: lease.address, attachment: attachment)
    }

    /// Settings that follow from the Gateway and from ours: nobody may give others.
    package static let ownNames: Set<String> = [
        "POD_NAME", "POD_NAMESPACE", "GATEWAY_NAME", "GATEWAY_SERVICE", "SERVICE_ACCOUNT", "TRUST_DOMAIN", "CLUSTER_ID",
        "XDS_ADDRESS", "CA_ADDRESS", "XDS_ROOT_CA", "CA_ROOT_CA", "AUTH_TOKEN", "APUS_METRICS_ADDRESS",
        "APUS_READINESS_ADDRESS", "TERMINATION_DRAIN_DURATION", "APUS_SOCKET",
    ]

    /// Everything the process is told.
    func environment(for instance: WaypointInstanceName, controlPlanePort: UInt16) -> [String: String] {
        let control = "https://\(TransportAddress(gateway, port: controlPlanePort))"
        let roots = state.path(of: AuthorityFile.roots)
        let own = [
            "POD_NAME": instance.pod, "POD_NAMESPACE": instance.namespace, "GATEWAY_NAME": instance.gateway,
            "GATEWAY_SERVICE": instance.service,
            "SERVICE_ACCOUNT": instance.serviceAccount, "TRUST_DOMAIN": trustDomain, "CLUSTER_ID": clusterID,
            "XDS_ADDRESS": control, "CA_ADDRESS": control, "XDS_ROOT_CA": roots, "CA_ROOT_CA": roots,
            "AUTH_TOKEN": state.path(of: "account-tokens/\(instance.namespace).\(instance.serviceAccount)"),
            "APUS_METRICS_ADDRESS": "0.0.0.0:15020", "APUS_READINESS_ADDRESS": "0.0.0.0:15021",
            "TERMINATION_DRAIN_DURATION": "\(drainSeconds)s",
            "APUS_SOCKET": state.path(of: "\(Self.folder)/\(instance.file).sock"),
        ]
        return moreSettings.merging(own) { _, own in own }
    }
}

/// What a waypoint is called.
struct WaypointInstanceName: Hashable, Sendable {
    let namespace: String
    let gateway: String
    let service: String
    let pod: String
    let serviceAccount: String

    /// Of its files.
    var file: String { "\(namespace).\(gateway)" }
}
