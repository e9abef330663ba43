package import MeshModel

/// What is wanted in one pod's network namespace; a plain value.
package struct CaptureRules: Hashable, Sendable {
    /// Source addresses of kubelet probes as the pod sees them: such a connection goes straight to the application.
    /// The addresses of Istio's CNI agent (HOST_PROBE_SNAT_IP and HOST_PROBE_SNAT_IPV6).
    package static let defaultProbeSources: [IPAddress] = [
        IPAddress(v4: 0xa9fe_077f),
        IPAddress(v6High: 0xfd16_9254_7127_1337, low: 0xffff_ffff_ffff_ffff),
    ]

    /// Plain text that comes to the pod goes to port 15006. Off for ingress gateways.
    package var captureInbound: Bool
    /// Rules and routes for IPv6 as well (routes only where the namespace has IPv6).
    package var ipv6: Bool
    package var probeSources: [IPAddress]
    /// Nothing is captured any more; only what live proxied connections still need stays.
    package var keeperOnly: Bool

    package init(
        captureInbound: Bool = true,
        ipv6: Bool = true,
        probeSources: [IPAddress] = CaptureRules.defaultProbeSources,
        keeperOnly: Bool = false
    ) {
        self.captureInbound = captureInbound
        self.ipv6 = ipv6
        self.probeSources = probeSources
        self.keeperOnly = keeperOnly
    }
}

/// What reading the rules back found.
package enum CaptureState: Hashable, Sendable {
    /// Exactly what `install` would write.
    case equal
    /// There is no table.
    case absent
    /// The first difference, in words: expected and found.
    case differs(String)
}

/// How firmly the kernel holds the table for us.
package enum TableOwnership: Hashable, Sendable, CaseIterable {
    /// Others cannot change it while we live, and it outlives us (kernel 6.9 and newer).
    case persistentOwner
    /// Others cannot change it while we live; it goes away with us: traffic then passes by the proxy (kernel 5.12).
    case owner
    /// Anybody with the privilege may change it; it outlives us. `verify` is what notices.
    case unowned
}
