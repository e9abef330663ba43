/// Which room may import what. Arrows go one way: a room may use our rooms that stand above it in this table, and only
/// those it names. To add an import, change Package.swift and this table together, and say why in the commit.
enum ImportTable {
    struct Room: Sendable {
        let target: String
        let folder: String
        /// Our own targets.
        let rooms: Set<String>
        /// Modules of others and of the system.
        let others: Set<String>
    }

    /// Modules any room may import.
    static let everywhere: Set<String> = ["Synchronization", "Dispatch"]

    private static let foundation: Set<String> = ["Foundation", "FoundationEssentials"]
    private static let grpc: Set<String> = [
        "GRPCCore", "GRPCNIOTransportCore", "GRPCNIOTransportHTTP2", "GRPCNIOTransportHTTP2Posix", "NIOCore",
        "NIOPosix",
        "NIOHTTP2",
    ]
    private static let nio: Set<String> = ["NIOCore", "NIOPosix", "NIOConcurrencyHelpers"]

    /// In dependency order.
    static let sources: [Room] = [
        Room(target: "MeshModel", folder: "Sources/Shared/Model", rooms: [], others: []),
        Room(target: "MeshPolicy", folder: "Sources/Shared/Policy", rooms: ["MeshModel"], others: []),
        Room(
            target: "MeshTLS", folder: "Sources/Shared/TLS", rooms: ["MeshModel"],
            others: ["COpenSSL", "NIOCore", "Glibc"]),
        Room(
            target: "MeshKernel", folder: "Sources/Shared/Kernel", rooms: ["MeshModel"], others: ["CNetlink", "Glibc"]),
        Room(
            target: "HBONE", folder: "Sources/Shared/HBONE", rooms: ["MeshModel"],
            // Glibc: numbers of errors that channels report.
            others: ["NIOCore", "DequeModule", "Glibc"]),
        Room(
            target: "MeshWire", folder: "Sources/Shared/Wire", rooms: [],
            others: foundation.union(["SwiftProtobuf", "GRPCCore", "GRPCProtobuf"])),
        Room(
            target: "MeshDiscovery", folder: "Sources/Shared/Discovery",
            rooms: ["MeshModel", "MeshPolicy", "MeshWire"],
            others: foundation.union(grpc).union(["SwiftProtobuf", "HashTreeCollections", "Logging"])),
        Room(
            target: "MeshIdentity", folder: "Sources/Shared/Identity", rooms: ["MeshModel", "MeshTLS", "MeshWire"],
            others: foundation.union(grpc).union(["SwiftProtobuf", "Logging"])),
        Room(
            target: "MeshTelemetry", folder: "Sources/Shared/Telemetry", rooms: ["MeshModel"],
            others: foundation.union(["Logging"])),
        Room(
            target: "MeshTracing", folder: "Sources/Shared/Tracing",
            rooms: ["MeshModel", "MeshTelemetry", "MeshWire"],
            // NIOHTTP1: spans are posted to collectors.
            others: foundation.union(grpc).union(["NIOHTTP1", "SwiftProtobuf", "Logging"])),
        Room(
            // MeshKernel: the Unix socket that `apus` asks on.
            target: "MeshRuntime", folder: "Sources/Shared/Runtime",
            rooms: ["MeshModel", "MeshKernel", "MeshTelemetry"],
            others: foundation.union(nio).union(["NIOHTTP1", "Logging", "ServiceLifecycle"])),
        Room(
            target: "MeshProxy", folder: "Sources/Shared/Proxy",
            rooms: ["MeshModel", "MeshTLS", "MeshKernel", "HBONE"], others: ["NIOCore"]),
        Room(
            target: "ZtunnelTunnel", folder: "Sources/Ztunnel/Tunnel",
            rooms: [
                "MeshModel", "MeshPolicy", "MeshTLS", "MeshKernel", "HBONE", "MeshDiscovery", "MeshIdentity",
                "MeshTelemetry", "MeshProxy",
            ],
            others: nio.union(["Logging"])),
        Room(target: "NodeCNI", folder: "Sources/Ztunnel/CNI", rooms: ["MeshModel"], others: []),
        Room(
            // Started for each pod: it has to be there at once.
            target: "apus-cni", folder: "Sources/Ztunnel/Plugin", rooms: ["NodeCNI", "MeshModel", "MeshKernel"],
            others: ["FoundationEssentials", "Glibc"]),
        Room(
            target: "ZtunnelNode", folder: "Sources/Ztunnel/Node",
            rooms: [
                "NodeCNI", "ZtunnelTunnel", "MeshModel", "MeshKernel", "MeshDiscovery", "MeshTelemetry", "MeshRuntime",
            ],
            others: foundation.union(nio).union(["Logging"])),
        Room(
            target: "ztunnel", folder: "Sources/Ztunnel/Main",
            rooms: [
                "NodeCNI", "ZtunnelTunnel", "ZtunnelNode", "MeshModel", "MeshKernel", "MeshTLS", "MeshDiscovery",
                "MeshIdentity", "MeshTelemetry", "MeshRuntime",
            ],
            others: foundation.union(grpc).union(nio).union(["Logging", "ServiceLifecycle", "UnixSignals"])),
        Room(target: "WaypointRoute", folder: "Sources/Waypoint/Route", rooms: ["MeshModel"], others: []),
        Room(target: "WaypointResilience", folder: "Sources/Waypoint/Resilience", rooms: ["MeshModel"], others: []),
        Room(
            target: "WaypointHTTP", folder: "Sources/Waypoint/HTTP", rooms: ["MeshModel", "WaypointRoute"],
            others: ["NIOCore"]),
        Room(
            target: "WaypointHTTP2", folder: "Sources/Waypoint/HTTP2",
            rooms: ["MeshModel", "HBONE", "WaypointRoute"],
            others: ["NIOCore", "DequeModule"]),
        Room(
            // The signatures are swift-crypto's: it has all kinds, and no pointer is needed for them.
            target: "WaypointToken", folder: "Sources/Waypoint/Token", rooms: ["MeshModel", "MeshPolicy"],
            others: ["Crypto", "CryptoExtras", "FoundationEssentials"]),
        Room(
            // NIOSSL: servers of keys are verified by the roots of the system, not by the mesh's.
            target: "WaypointKeys", folder: "Sources/Waypoint/Keys",
            rooms: ["MeshModel", "MeshKernel", "WaypointRoute", "WaypointToken"],
            others: nio.union(["NIOHTTP1", "NIOSSL", "Logging"])),
        Room(
            // The messages are generated; bytes of theirs are values of FoundationEssentials.
            target: "WaypointAuthorizer", folder: "Sources/Waypoint/Authorizer",
            rooms: ["MeshModel", "MeshWire", "WaypointRoute"], others: ["SwiftProtobuf", "FoundationEssentials"]),
        Room(
            target: "WaypointGateway", folder: "Sources/Waypoint/Gateway",
            rooms: [
                "MeshModel", "MeshPolicy", "MeshTLS", "MeshKernel", "HBONE", "MeshDiscovery", "MeshIdentity",
                "MeshTelemetry", "MeshProxy", "WaypointAuthorizer", "WaypointHTTP", "WaypointHTTP2", "WaypointRoute",
                "WaypointToken",
                "MeshTelemetry", "MeshProxy", "WaypointHTTP", "WaypointHTTP2", "WaypointRoute", "WaypointToken",
                "WaypointResilience",
            ],
            others: nio.union(["Logging"])),
        Room(
            target: "waypoint", folder: "Sources/Waypoint/Main",
            rooms: [
                "WaypointGateway", "WaypointKeys", "WaypointToken", "MeshModel", "MeshKernel", "MeshTLS",
                "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshRuntime",
                "WaypointGateway", "WaypointKeys", "WaypointToken", "MeshModel", "MeshKernel", "MeshTLS",
                "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshTracing", "MeshRuntime",
            ],
            others: foundation.union(grpc).union(nio).union(["Logging", "ServiceLifecycle", "UnixSignals"])),
        Room(
            // WaypointRoute: whether a regular expression will run is said before a waypoint gets it.
            target: "ControlTranslate", folder: "Sources/ControlPlane/Translate",
            rooms: ["MeshModel", "MeshPolicy", "WaypointRoute"],
            others: []),
        Room(
            target: "ControlSources", folder: "Sources/ControlPlane/Sources",
            rooms: ["ControlTranslate", "MeshModel", "MeshKernel"], others: foundation.union(["Yams", "Logging"])),
        Room(
            target: "ControlAuthority", folder: "Sources/ControlPlane/Authority", rooms: ["MeshModel"],
            others: foundation.union(["X509", "SwiftASN1", "Crypto"])),
        Room(
            // NIOSSL: the API server's own authority and client certificates, which have nothing to do with the mesh's.
            // ControlAuthority: whose tokens the API server says they are.
            target: "ControlKubernetes", folder: "Sources/ControlPlane/Kubernetes",
            rooms: ["MeshModel", "ControlTranslate", "ControlSources", "ControlAuthority"],
            others: foundation.union(nio).union(["AsyncHTTPClient", "NIOHTTP1", "NIOSSL", "Logging"])),
        Room(
            target: "ControlServe", folder: "Sources/ControlPlane/Serve",
            rooms: ["MeshModel", "MeshWire", "MeshDiscovery", "ControlTranslate", "ControlAuthority", "MeshTelemetry"],
            // The transport asks for the certificate of each handshake in types of these two.
            others: foundation.union(grpc).union(["SwiftProtobuf", "Logging", "NIOSSL", "NIOCertificateReloading"])),
        Room(
            // It makes waypoints' namespaces, and calls them as any caller does.
            target: "ControlWaypoints", folder: "Sources/ControlPlane/Waypoints",
            rooms: [
                "MeshModel", "MeshKernel", "MeshTLS", "HBONE", "MeshProxy", "ControlTranslate", "ControlAuthority",
                "ControlServe",
            ],
            others: foundation.union(nio).union(["Logging"])),
        Room(
            target: "apusd", folder: "Sources/ControlPlane/Main",
            rooms: [
                "ControlTranslate", "ControlSources", "ControlKubernetes", "ControlAuthority", "ControlServe",
                "ControlWaypoints", "MeshKernel", "MeshModel", "MeshRuntime", "MeshTelemetry",
            ],
            others: foundation.union(grpc).union(["Logging", "ServiceLifecycle", "UnixSignals", "ArgumentParser"])),
        Room(
            // The rooms that translate and decide: where no daemon answers, it explains by resources. And the API
            // server, to which it writes waypoints.
            target: "apus", folder: "Sources/CLI",
            rooms: [
                "MeshModel", "MeshKernel", "MeshDiscovery", "ZtunnelTunnel", "WaypointGateway", "ControlTranslate",
                "ControlSources", "ControlKubernetes",
            ],
            // Yams: it changes single resources in the directory that apusd reads.
            others: foundation.union(["ArgumentParser", "Yams"])),
    ]

    /// Rooms whose tests may see generated wire types; everybody else gets values of the model.
    static let wireFolders = [
        "Sources/Shared/Wire", "Sources/Shared/Discovery", "Sources/Shared/Identity", "Sources/Shared/Tracing",
        "Sources/ControlPlane/Serve", "Sources/Waypoint/Authorizer", "Tests/MeshDiscoveryTests",
        "Tests/MeshIdentityTests", "Tests/ControlServeTests", "Tests/WaypointAuthorizerTests",
        "Tests/WaypointGatewayTests",
    ]

    /// Rooms without Foundation: the path of a connection's bytes and what decides about it.
    static let withoutFoundation = [
        "Sources/Shared/Model", "Sources/Shared/Policy", "Sources/Shared/HBONE", "Sources/Shared/TLS",
        "Sources/Shared/Kernel", "Sources/Shared/Proxy", "Sources/Ztunnel/Tunnel", "Sources/Ztunnel/CNI",
        "Sources/Waypoint/Route",
        "Sources/Waypoint/HTTP", "Sources/Waypoint/HTTP2", "Sources/Waypoint/Resilience", "Sources/Waypoint/Gateway",
    ]

    /// Where the word `unsafe` may stand.
    static let unsafeFolders = ["Sources/Shared/Kernel", "Sources/Shared/TLS"]
}
