// swift-tools-version: 6.2
import PackageDescription

// One line per target, in dependency order: a target may use only what stands above it.
// The table of allowed imports is Tests/Law/ImportTable.swift; a test holds the code to it.

/// What every target of ours is built with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// Generated code is compiled as its generators intend it.
let generated: [SwiftSetting] = [.swiftLanguageMode(.v6)]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioReloading: Target.Dependency = .product(name: "NIOCertificateReloading", package: "swift-nio-extras")
let hpack: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let grpcCore: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcPosix: Target.Dependency = .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf: Target.Dependency = .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let hashTrees: Target.Dependency = .product(name: "HashTreeCollections", package: "swift-collections")
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "apus",
    products: [
        .executable(name: "ztunnel", targets: ["ztunnel"]),
        .executable(name: "waypoint", targets: ["waypoint"]),
        .executable(name: "apusd", targets: ["apusd"]),
        .executable(name: "apus", targets: ["apus"]),
        .executable(name: "apus-cni", targets: ["apus-cni"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // Shared rooms.
        .systemLibrary(name: "CNetlink", path: "Sources/Shared/CNetlink"),
        .systemLibrary(name: "COpenSSL", path: "Sources/Shared/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        // Nouns of the mesh: identities, addresses by role, workloads, services, policies, reasons.
        .target(name: "MeshModel", path: "Sources/Shared/Model", swiftSettings: house),
        // Decides a connection and explains the decision; pure.
        .target(name: "MeshPolicy", dependencies: ["MeshModel"], path: "Sources/Shared/Policy", swiftSettings: house),
        // UNSAFE ROOM: every OpenSSL call; contexts, sessions, keys, CSRs; sole maker of VerifiedPeer.
        .target(name: "MeshTLS", dependencies: ["COpenSSL", "MeshModel", nioCore], path: "Sources/Shared/TLS", swiftSettings: house),
        // UNSAFE ROOM: netlink, nftables, routes, network namespaces, socket options, descriptor passing.
        .target(name: "MeshKernel", dependencies: ["CNetlink", "MeshModel"], path: "Sources/Shared/Kernel", swiftSettings: house),
        // HTTP/2 CONNECT tunnels: frames and streams as pure machines, the channel handler, the pool.
        .target(name: "HBONE", dependencies: ["MeshModel", nioCore, deques], path: "Sources/Shared/HBONE", swiftSettings: house),
        // Generated protobuf and gRPC code; made by tools/generate-protobuf.
        .target(name: "MeshWire", dependencies: [protobuf, grpcCore, grpcProtobuf], path: "Sources/Shared/Wire", exclude: ["protos"], swiftSettings: generated),
        // Delta xDS client and the known world as immutable snapshots.
        .target(name: "MeshDiscovery", dependencies: ["MeshModel", "MeshWire", grpcCore, grpcPosix, protobuf, hashTrees, nioCore, nioPosix, logging], path: "Sources/Shared/Discovery", swiftSettings: house),
        // The life of a workload's certificate: request, cache, rotate, roots.
        .target(name: "MeshIdentity", dependencies: ["MeshModel", "MeshTLS", "MeshWire", grpcCore, grpcPosix, protobuf, nioCore, logging], path: "Sources/Shared/Identity", swiftSettings: house),
        // Connection records, metrics, access log.
        .target(name: "MeshTelemetry", dependencies: ["MeshModel", logging], path: "Sources/Shared/Telemetry", swiftSettings: house),
        // Finished spans on their way to a collector.
        .target(name: "MeshTracing", dependencies: ["MeshModel", "MeshTelemetry", "MeshWire", grpcCore, grpcPosix, protobuf, nioCore, nioPosix, nioHTTP1, logging], path: "Sources/Shared/Tracing", swiftSettings: house),
        // Settings, admin and readiness endpoints, start and stop order, limits.
        .target(name: "MeshRuntime", dependencies: ["MeshModel", "MeshKernel", "MeshTelemetry", nioCore, nioPosix, nioHTTP1, logging, lifecycle], path: "Sources/Shared/Runtime", swiftSettings: house),
        // What every proxy of the mesh does around its tunnels: handshakes, headers of CONNECT, reasons in one language.
        .target(name: "MeshProxy", dependencies: ["MeshModel", "MeshTLS", "MeshKernel", "HBONE", nioCore], path: "Sources/Shared/Proxy", swiftSettings: house),
        // The node daemon.
        .target(name: "ZtunnelTunnel", dependencies: ["MeshModel", "MeshPolicy", "MeshTLS", "MeshKernel", "HBONE", "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshProxy", nioCore, nioPosix], path: "Sources/Ztunnel/Tunnel", swiftSettings: house),
        // The CNI plugin's configuration, calls and answers; the lists of plugins it stands in; pure.
        .target(name: "NodeCNI", dependencies: ["MeshModel"], path: "Sources/Ztunnel/CNI", swiftSettings: house),
        // Copied into folders of hosts that may have no library of ours: a release needs none.
        .executableTarget(name: "apus-cni", dependencies: ["NodeCNI", "MeshModel", "MeshKernel"], path: "Sources/Ztunnel/Plugin", swiftSettings: house, linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),
        .target(name: "ZtunnelNode", dependencies: ["NodeCNI", "ZtunnelTunnel", "MeshModel", "MeshKernel", "MeshDiscovery", "MeshRuntime", nioCore, logging], path: "Sources/Ztunnel/Node", swiftSettings: house),
        .executableTarget(name: "ztunnel", dependencies: ["NodeCNI", "ZtunnelTunnel", "ZtunnelNode", "MeshModel", "MeshKernel", "MeshTLS", "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshRuntime", nioCore, nioPosix, grpcPosix, logging, lifecycle, signals], path: "Sources/Ztunnel/Main", swiftSettings: house),
        // The waypoint. Routes of the Gateway API as decisions: match, spread, rewrite, retry; pure.
        .target(name: "WaypointRoute", dependencies: ["MeshModel"], path: "Sources/Waypoint/Route", swiftSettings: house),
        // Tokens of requests: JWT and key sets; pure.
        .target(name: "WaypointToken", dependencies: ["MeshModel", "MeshPolicy", crypto, cryptoExtras], path: "Sources/Waypoint/Token", swiftSettings: house),
        // Users' HTTP/2: connections of callers and of endpoints.
        .target(name: "WaypointHTTP2", dependencies: ["HBONE", "MeshModel", "WaypointRoute", nioCore, deques], path: "Sources/Waypoint/HTTP2", swiftSettings: house),
        // Requests and answers as bytes: HTTP/1.1, read strictly and written; pure.
        .target(name: "WaypointHTTP", dependencies: ["MeshModel", "WaypointRoute", nioCore], path: "Sources/Waypoint/HTTP", swiftSettings: house),
        // Endpoints chosen and spared, limits and faults: load balancing, outliers, circuit breakers; pure.
        .target(name: "WaypointResilience", dependencies: ["MeshModel"], path: "Sources/Waypoint/Resilience", swiftSettings: house),
        // Key sets of remote issuers, fetched over http and https.
        // Questions to external authorizers and rate limit services, and their answers; pure.
        .target(name: "WaypointAuthorizer", dependencies: ["MeshModel", "MeshWire", "WaypointRoute", protobuf], path: "Sources/Waypoint/Authorizer", swiftSettings: house),
        .target(name: "WaypointKeys", dependencies: ["MeshModel", "MeshKernel", "WaypointRoute", "WaypointToken", nioCore, nioPosix, nioHTTP1, nioTLS, logging], path: "Sources/Waypoint/Keys", swiftSettings: house),
        // Calls, requests and their endpoints.
        .target(name: "WaypointGateway", dependencies: ["MeshModel", "MeshPolicy", "MeshTLS", "MeshKernel", "HBONE", "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshProxy", "WaypointHTTP", "WaypointRoute", "WaypointHTTP2", "WaypointToken", "WaypointAuthorizer", "WaypointResilience", nioCore, nioPosix], path: "Sources/Waypoint/Gateway", swiftSettings: house),
        .executableTarget(name: "waypoint", dependencies: ["WaypointGateway", "MeshModel", "MeshKernel", "MeshTLS", "MeshDiscovery", "MeshIdentity", "MeshTelemetry", "MeshRuntime", "WaypointKeys", "WaypointToken", "MeshTracing", nioCore, nioPosix, grpcPosix, logging, lifecycle, signals], path: "Sources/Waypoint/Main", swiftSettings: house),
        // The control plane.
        .target(name: "ControlTranslate", dependencies: ["MeshModel", "WaypointRoute"], path: "Sources/ControlPlane/Translate", swiftSettings: house),
        .target(name: "ControlSources", dependencies: ["ControlTranslate", "MeshModel", "MeshKernel", yams, logging], path: "Sources/ControlPlane/Sources", swiftSettings: house),
        // The Kubernetes API as a source of resources: lists, watches, and what follows from them.
        .target(name: "ControlKubernetes", dependencies: ["MeshModel", "ControlTranslate", "ControlSources", "ControlAuthority", httpClient, nioCore, nioPosix, nioHTTP1, nioTLS, logging], path: "Sources/ControlPlane/Kubernetes", swiftSettings: house),
        .target(name: "ControlAuthority", dependencies: ["MeshModel", x509, asn1, crypto], path: "Sources/ControlPlane/Authority", swiftSettings: house),
        .target(name: "ControlServe", dependencies: ["MeshModel", "MeshWire", "MeshDiscovery", "ControlTranslate", "ControlAuthority", nioCore, nioTLS, nioReloading, grpcCore, grpcPosix, protobuf, logging], path: "Sources/ControlPlane/Serve", swiftSettings: house),
        // Starts, proves and ends the waypoints of Gateways.
        .target(name: "ControlWaypoints", dependencies: ["MeshModel", "MeshKernel", "MeshTLS", "HBONE", "MeshProxy", "ControlTranslate", "ControlAuthority", "ControlServe", nioCore, nioPosix, logging], path: "Sources/ControlPlane/Waypoints", swiftSettings: house),
        .executableTarget(name: "apusd", dependencies: ["ControlTranslate", "ControlSources", "ControlKubernetes", "ControlAuthority", "ControlServe", "ControlWaypoints", "MeshKernel", "MeshModel", "MeshRuntime", "MeshTelemetry", nioPosix, logging, lifecycle, signals, arguments], path: "Sources/ControlPlane/Main", swiftSettings: house),
        // The user's terminal.
        .executableTarget(name: "apus", dependencies: ["MeshModel", "MeshKernel", "MeshDiscovery", "ZtunnelTunnel", "WaypointGateway", "ControlTranslate", "ControlSources", "ControlKubernetes", arguments, yams], path: "Sources/CLI", swiftSettings: house),
        // Tests.
        .target(name: "SeededTesting", dependencies: [], path: "Tests/Seeded", swiftSettings: house),
        .target(name: "MeshTesting", dependencies: ["MeshModel", "MeshKernel", "MeshTLS"], path: "Tests/Support", swiftSettings: house),
        .testTarget(name: "MeshModelTests", dependencies: ["MeshModel", "SeededTesting"], path: "Tests/MeshModelTests", swiftSettings: house),
        .testTarget(name: "MeshPolicyTests", dependencies: ["MeshModel", "MeshPolicy", "SeededTesting"], path: "Tests/MeshPolicyTests", swiftSettings: house),
        .testTarget(name: "MeshTLSTests", dependencies: ["MeshModel", "MeshTLS", "MeshTesting", "SeededTesting", nioCore, nioPosix, nioEmbedded], path: "Tests/MeshTLSTests", swiftSettings: house),
        .testTarget(name: "MeshKernelTests", dependencies: ["MeshModel", "MeshKernel", "MeshTesting"], path: "Tests/MeshKernelTests", swiftSettings: house),
        .testTarget(name: "HBONETests", dependencies: ["MeshModel", "HBONE", "SeededTesting", nioCore, nioPosix, nioHTTP1, hpack], path: "Tests/HBONETests", swiftSettings: house),
        .testTarget(name: "MeshDiscoveryTests", dependencies: ["MeshModel", "MeshWire", "MeshDiscovery", "SeededTesting", protobuf, grpcCore, grpcPosix, logging], path: "Tests/MeshDiscoveryTests", swiftSettings: house),
        .testTarget(name: "MeshIdentityTests", dependencies: ["MeshModel", "MeshTLS", "MeshIdentity", "MeshWire", "MeshTesting", "SeededTesting", protobuf, grpcCore, grpcPosix, nioCore, nioPosix, logging], path: "Tests/MeshIdentityTests", swiftSettings: house),
        .testTarget(name: "MeshTelemetryTests", dependencies: ["MeshModel", "MeshTelemetry", logging], path: "Tests/MeshTelemetryTests", swiftSettings: house),
        .testTarget(name: "MeshTracingTests", dependencies: ["MeshTelemetry", "MeshTracing", "MeshTesting", logging], path: "Tests/MeshTracingTests", swiftSettings: house),
        .testTarget(name: "MeshRuntimeTests", dependencies: ["MeshModel", "MeshKernel", "MeshRuntime", "MeshTelemetry", "MeshTesting", nioCore, nioPosix, logging], path: "Tests/MeshRuntimeTests", swiftSettings: house),
        .testTarget(name: "MeshProxyTests", dependencies: ["MeshModel", "MeshTLS", "MeshKernel", "MeshProxy", "HBONE", "SeededTesting", nioCore, nioEmbedded], path: "Tests/MeshProxyTests", swiftSettings: house),
        .testTarget(name: "ZtunnelTunnelTests", dependencies: ["MeshModel", "MeshProxy", "MeshPolicy", "MeshDiscovery", "MeshIdentity", "MeshKernel", "MeshTLS", "MeshTelemetry", "HBONE", "ZtunnelTunnel", "MeshTesting", "SeededTesting", nioCore, nioPosix, nioEmbedded, logging], path: "Tests/ZtunnelTunnelTests", swiftSettings: house),
        .testTarget(name: "NodeCNITests", dependencies: ["MeshModel", "NodeCNI", "SeededTesting"], path: "Tests/NodeCNITests", swiftSettings: house),
        .testTarget(name: "ZtunnelNodeTests", dependencies: ["MeshModel", "MeshKernel", "MeshDiscovery", "NodeCNI", "ZtunnelNode", "MeshTesting", "SeededTesting", logging], path: "Tests/ZtunnelNodeTests", swiftSettings: house),
        .testTarget(name: "WaypointRouteTests", dependencies: ["MeshModel", "WaypointRoute", "SeededTesting"], path: "Tests/WaypointRouteTests", swiftSettings: house),
        .testTarget(name: "WaypointTokenTests", dependencies: ["MeshModel", "MeshPolicy", "WaypointToken", crypto], path: "Tests/WaypointTokenTests", swiftSettings: house),
        .testTarget(name: "WaypointAuthorizerTests", dependencies: ["MeshModel", "MeshWire", "WaypointRoute", "WaypointAuthorizer", protobuf], path: "Tests/WaypointAuthorizerTests", swiftSettings: house),
        .testTarget(name: "WaypointHTTP2Tests", dependencies: ["MeshModel", "HBONE", "WaypointHTTP2", "MeshTesting", "WaypointRoute", nioCore, nioPosix], path: "Tests/WaypointHTTP2Tests", swiftSettings: house),
        .testTarget(name: "WaypointHTTPTests", dependencies: ["MeshModel", "WaypointRoute", "WaypointHTTP", "SeededTesting", nioCore, nioHTTP1, nioEmbedded], path: "Tests/WaypointHTTPTests", swiftSettings: house),
        .testTarget(name: "WaypointResilienceTests", dependencies: ["MeshModel", "WaypointResilience", "SeededTesting"], path: "Tests/WaypointResilienceTests", swiftSettings: house),
        .testTarget(name: "WaypointGatewayTests", dependencies: ["MeshModel", "MeshDiscovery", "MeshProxy", "MeshTLS", "MeshTelemetry", "HBONE", "MeshPolicy", "WaypointRoute", "WaypointHTTP2", "WaypointGateway", "MeshTesting", "WaypointToken", "WaypointKeys", "MeshIdentity", "MeshWire", "WaypointResilience", nioCore, nioPosix, nioTLS, crypto, logging, protobuf], path: "Tests/WaypointGatewayTests", swiftSettings: house),
        .testTarget(name: "ControlTranslateTests", dependencies: ["MeshModel", "ControlTranslate"], path: "Tests/ControlTranslateTests", swiftSettings: house),
        .testTarget(name: "ControlSourcesTests", dependencies: ["MeshModel", "ControlTranslate", "ControlSources", "SeededTesting"], path: "Tests/ControlSourcesTests", swiftSettings: house),
        .testTarget(name: "ControlKubernetesTests", dependencies: ["ControlTranslate", "ControlSources", "ControlKubernetes", "ControlAuthority", "MeshModel", "MeshTesting", "SeededTesting", nioCore, nioPosix, logging], path: "Tests/ControlKubernetesTests", swiftSettings: house),
        .testTarget(name: "ControlAuthorityTests", dependencies: ["MeshModel", "ControlAuthority", x509, asn1, crypto], path: "Tests/ControlAuthorityTests", swiftSettings: house),
        .testTarget(name: "ControlServeTests", dependencies: ["MeshModel", "MeshWire", "MeshDiscovery", "ControlTranslate", "ControlAuthority", "ControlServe", "SeededTesting", protobuf, grpcCore, grpcPosix], path: "Tests/ControlServeTests", swiftSettings: house),
        .testTarget(name: "ControlWaypointsTests", dependencies: ["MeshModel", "MeshKernel", "ControlAuthority", "ControlWaypoints"], path: "Tests/ControlWaypointsTests", swiftSettings: house),
        .testTarget(name: "CommandTests", dependencies: ["apus", "MeshModel", "MeshTesting", arguments], path: "Tests/CommandTests", swiftSettings: house),
        // Root tests: real processes, network namespaces, the kernel and foreign peers for real.
        .testTarget(name: "NamespaceTests", dependencies: ["MeshTesting", crypto], path: "Tests/Namespaces", swiftSettings: house),
        .testTarget(name: "KubernetesTests", dependencies: ["MeshTesting", yams], path: "Tests/Kubernetes", swiftSettings: house),
        // What is installed: manifests, rules, boards, images, the systemd unit.
        .testTarget(name: "DeployTests", dependencies: ["MeshTesting", yams], path: "Tests/Deploy", swiftSettings: house),
        .testTarget(name: "InteropTests", dependencies: ["MeshModel", "MeshTesting", "MeshTelemetry", "MeshTracing", "MeshRuntime", nioCore, nioPosix, logging], path: "Tests/Interop", swiftSettings: house),
        // The law of the house: imports, unsafe words, sizes.
        .testTarget(name: "LawTests", dependencies: [], path: "Tests/Law", swiftSettings: house),
    ]
)
