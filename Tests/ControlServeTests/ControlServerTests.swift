import ControlAuthority
import ControlServe
import ControlTranslate
import Foundation
import GRPCCore
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

@Suite("The TLS port", .timeLimit(.minutes(1)))
struct ControlServerTests {
    private typealias Discovery = Envoy_Service_Discovery_V3_AggregatedDiscoveryService
    private typealias Enrolment = Apus_Node_V1_NodeEnrolment
    private typealias Certificates = Istio_V1_Auth_IstioCertificateService

    private static func tunnel(_ response: DeltaResponse?, _ name: String) -> Istio_Workload_TunnelProtocol? {
        guard let resource = response?.resources.first(where: { $0.name == uid(name) }) else { return nil }
        return (try? Istio_Workload_Address(serializedBytes: resource.resource.value))?.workload.tunnelProtocol
    }

    @Test("a subscribed client gets the world, then only what changes")
    func pushes() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            try await plane.withClient { client in
                try await OpenStream.open(client, plane.credentials("one")) { stream in
                    var responses = stream.responses.makeAsyncIterator()
                    stream.requests.yield(request(addressURL))
                    stream.requests.yield(request(policyURL))
                    #expect(await responses.next()?.typeURL == policyURL)
                    #expect(await responses.next()?.names == [uid("api"), uid("web")])
                    await plane.desk.resourcesChanged(Plane.resources(apiAddress: "10.0.0.9"), findings: [])
                    let change = await responses.next()
                    #expect(change?.names == [uid("api")])
                    #expect(change?.removedResources == [])
                    #expect(plane.metrics.value(.connectedNodes) == 1)
                }
            }
        }
    }

    @Test("a client hears nothing before the first world, for an empty one would make it forget")
    func silenceBeforeTheFirstWorld() async throws {
        let scratch = try Scratch()
        // A first run makes the tokens.
        try await Plane.run(scratch) { await $0.desk.resourcesChanged(Plane.resources(), findings: []) }
        try await Plane.run(scratch) { plane in
            try await plane.withClient { client in
                try await OpenStream.open(client, plane.credentials("one")) { stream in
                    stream.requests.yield(request(addressURL, held: [uid("web"): "1"]))
                    stream.requests.yield(request(policyURL))
                    while plane.metrics.value(.discoveryStreams) == 0 { try await Task.sleep(for: .milliseconds(5)) }
                    try await Task.sleep(for: .milliseconds(2 * ServeLimits.settleTimeMilliseconds))
                    #expect(plane.metrics.value(.addressPushes) == 0)
                    await plane.desk.resourcesChanged(Plane.resources(), findings: [])
                    var responses = stream.responses.makeAsyncIterator()
                    #expect(await responses.next()?.typeURL == policyURL)
                    #expect(await responses.next()?.removedResources == [])
                }
            }
        }
    }

    @Test("no token, a wrong token and another scheme are UNAUTHENTICATED on every method", arguments: [
        [:], ["authorization": "Bearer nonsense"], ["authorization": "Basic abc"],
    ] as [Metadata])
    func unauthenticated(metadata: Metadata) async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            try await plane.withClient { client in
                let discovery = await #expect(throws: RPCError.self) {
                    try await Discovery.Client(wrapping: client).deltaAggregatedResources(metadata: metadata) { _ in
                    } onResponse: { for try await _ in $0.messages {} }
                }
                let enrolment = await #expect(throws: RPCError.self) {
                    try await Enrolment.Client(wrapping: client).synchronize(metadata: metadata) { _ in
                    } onResponse: { for try await _ in $0.messages {} }
                }
                let certificate = await #expect(throws: RPCError.self) {
                    try await Certificates.Client(wrapping: client).createCertificate(.init(), metadata: metadata)
                }
                for error in [discovery, enrolment, certificate] {
                    #expect(error?.code == .unauthenticated)
                    #expect(error?.message.hasPrefix("request authenticate failure") == true)
                }
                #expect(plane.metrics.value(.authenticationFailures) == 3)
            }
        }
    }

    @Test("state of the world is UNIMPLEMENTED")
    func stateOfTheWorld() async throws {
        try await Plane.run(Scratch()) { plane in
            let error = await #expect(throws: RPCError.self) {
                try await plane.withClient { client in
                    try await Discovery.Client(wrapping: client).streamAggregatedResources { _ in
                    } onResponse: { for try await _ in $0.messages {} }
                }
            }
            #expect(error?.code == .unimplemented)
        }
    }

    @Test("a proven pod becomes HBONE at once, a leaving one NONE, and proofs survive a restart")
    func enrolment() async throws {
        let scratch = try Scratch()
        try await Plane.run(scratch) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            try await plane.withClient { client in
                try await OpenStream.open(client, plane.credentials("two")) { stream in
                    var responses = stream.responses.makeAsyncIterator()
                    stream.requests.yield(request(policyURL))
                    stream.requests.yield(request(addressURL))
                    _ = await responses.next()
                    var next = await responses.next()
                    #expect(Self.tunnel(next, "web") == Istio_Workload_TunnelProtocol.none)
                    let session = await plane.desk.openEnrolment(node: "one")
                    let web = PodKey(namespace: "shop", name: "web")
                    await plane.desk.report(node: "one", session: session, [PodReport(pod: web, phase: .proven)])
                    next = await responses.next()
                    #expect(Self.tunnel(next, "web") == .hbone)
                    await plane.desk.report(node: "one", session: session, [PodReport(pod: web, phase: .leaving)])
                    next = await responses.next()
                    #expect(Self.tunnel(next, "web") == Istio_Workload_TunnelProtocol.none)
                    await plane.desk.report(node: "one", session: session, [PodReport(pod: web, phase: .proven)])
                    next = await responses.next()
                    #expect(Self.tunnel(next, "web") == .hbone)
                }
            }
        }
        try await Plane.run(scratch) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let world = try #require(plane.desk.worldBoard.current)
            let resource = try #require(world.addresses.resources[uid("web")])
            var response = DeltaResponse()
            response.resources = [resource.message]
            #expect(Self.tunnel(response, "web") == .hbone)
            // Another life of the pod has to be proven anew.
            await plane.desk.resourcesChanged(Plane.resources(webAddress: "10.0.0.77"), findings: [])
            response.resources = [try #require(plane.desk.worldBoard.current?.addresses.resources[uid("web")]).message]
            #expect(Self.tunnel(response, "web") == Istio_Workload_TunnelProtocol.none)
        }
    }

    @Test("a node hears its own intents, again on change, and only its own token speaks for it")
    func intents() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            try await plane.withClient { client in
                let metadata = try plane.credentials("one")
                try await Enrolment.Client(wrapping: client).synchronize(metadata: metadata) { writer in
                    try await writer.write(.with { $0.node = "one" })
                    while plane.desk.nodeBoard.current?.pages["one"]?.intents.first?.serviceAccount != "other" {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await Task.sleep(for: .milliseconds(50))
                } onResponse: { response in
                    var intents = response.messages.makeAsyncIterator()
                    let first = try await intents.next()
                    #expect(first?.pods.map(\.name) == ["web"])
                    #expect(first?.pods.map(\.captured) == [true])
                    var resources = Plane.resources()
                    resources.pods[0].serviceAccount = "other"
                    await plane.desk.resourcesChanged(resources, findings: [])
                    #expect(try await intents.next()?.pods.map(\.serviceAccount) == ["other"])
                }
                let error = await #expect(throws: RPCError.self) {
                    try await Enrolment.Client(wrapping: client).synchronize(metadata: metadata) { writer in
                        try await writer.write(.with { $0.node = "two" })
                        try await Task.sleep(for: .seconds(1))
                    } onResponse: { for try await _ in $0.messages {} }
                }
                #expect(error?.code == .permissionDenied)
            }
        }
    }

    @Test("only the newest stream of a node is believed")
    func newestStream() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let web = PodKey(namespace: "shop", name: "web")
            let old = await plane.desk.openEnrolment(node: "one")
            let new = await plane.desk.openEnrolment(node: "one")
            await plane.desk.report(node: "one", session: new, [PodReport(pod: web, phase: .proven)])
            await plane.desk.report(node: "one", session: old, [])
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            #expect(plane.metrics.value(.provenPods) == 1)
            // The newest has ended: the one that is left speaks again.
            await plane.desk.closeEnrolment(node: "one", session: new)
            await plane.desk.report(node: "one", session: old, [])
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            #expect(plane.metrics.value(.provenPods) == 0)
        }
    }

    @Test("a daemon's successor that listens and does not speak yet changes nothing")
    func silentStream() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let web = PodKey(namespace: "shop", name: "web")
            let old = await plane.desk.openEnrolment(node: "one")
            await plane.desk.report(node: "one", session: old, [PodReport(pod: web, phase: .enrolling)])
            let new = await plane.desk.openEnrolment(node: "one")
            await plane.desk.report(node: "one", session: old, [PodReport(pod: web, phase: .proven)])
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            #expect(plane.metrics.value(.provenPods) == 1, "the daemon that serves is believed")
            await plane.desk.report(node: "one", session: new, [])
            await plane.desk.report(node: "one", session: old, [PodReport(pod: web, phase: .proven)])
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            #expect(plane.metrics.value(.provenPods) == 0, "the successor has spoken")
        }
    }

    static let signingRequest = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBAjCBqAIBADAAMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVgPITzv2CNVh
        b55/f28nlBOsWl0KszNiHzvALKdgrA5uy8ieoWznUAokHx6ZxJHqLQo2mVOEIwmo
        9ugMrSXUQqBGMEQGCSqGSIb3DQEJDjE3MDUwMwYDVR0RAQH/BCkwJ4Ylc3BpZmZl
        Oi8vY2x1c3Rlci5sb2NhbC9ucy9zaG9wL3NhL3dlYjAKBggqhkjOPQQDAgNJADBG
        AiEA6N8NKCbhn/IXDotDXIB7mz8gyLQ0ci9KSScnQnRCX7oCIQCucGe5ZEZFy/eP
        yPMgKXKwXWT6RiE7NwhqmiqDSbv42Q==
        -----END CERTIFICATE REQUEST-----
        """

    static func certificateRequest(
        _ identity: String?, seconds: Int64 = 0, csr: String = signingRequest
    ) -> Istio_V1_Auth_IstioCertificateRequest {
        .with {
            $0.csr = csr
            $0.validityDuration = seconds
            if let identity { $0.metadata.fields["ImpersonatedIdentity"] = .init(stringValue: identity) }
        }
    }

    @Test("a node gets a certificate for a pod placed on it")
    func certificate() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let response = try await plane.withClient { client in
                try await Certificates.Client(wrapping: client).createCertificate(
                    Self.certificateRequest("spiffe://cluster.local/ns/shop/sa/web"),
                    metadata: plane.credentials("one"))
            }
            #expect(response.certChain.count == 2)
            let roots = plane.authority.rootsPEM
            #expect(response.certChain.last == roots)
            #expect(plane.metrics.value(.certificatesIssued) == 1)
        }
    }

    @Test("other nodes' identities, other trust domains, malformed and missing ones are refused", arguments: [
        "spiffe://cluster.local/ns/shop/sa/api", "spiffe://cluster.local/ns/shop/sa/nobody",
        "spiffe://other.domain/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/web/", "web", "", nil,
    ])
    func refusedIdentity(identity: String?) async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let error = await #expect(throws: RPCError.self) {
                try await plane.withClient { client in
                    try await Certificates.Client(wrapping: client).createCertificate(
                        Self.certificateRequest(identity), metadata: plane.credentials("one"))
                }
            }
            #expect(error?.code == .unauthenticated)
            #expect(error?.message.hasPrefix("request impersonation authentication failure") == true)
            #expect(plane.metrics.value(.certificatesRefused) == 1)
        }
    }

    @Test("a waypoint gets its own certificate with its own token, nobody else's, and is no node")
    func waypoint() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Self.withWaypoint(), findings: [])
            let path = "\(plane.scratch.path)/account-tokens/shop.waypoint"
            let token = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
                .trimmingCharacters(in: .newlines)
            let metadata: Metadata = ["authorization": "Bearer \(token)"]
            try await plane.withClient { client in
                let certificates = Certificates.Client(wrapping: client)
                let own = "spiffe://cluster.local/ns/shop/sa/waypoint"
                let response = try await certificates.createCertificate(
                    Self.certificateRequest(own), metadata: metadata)
                #expect(response.certChain.count == 2)
                let other = await #expect(throws: RPCError.self) {
                    try await certificates.createCertificate(
                        Self.certificateRequest("spiffe://cluster.local/ns/shop/sa/web"), metadata: metadata)
                }
                #expect(other?.message.contains("may ask for itself only") == true)
                let enrolment = await #expect(throws: RPCError.self) {
                    try await Enrolment.Client(wrapping: client).synchronize(metadata: metadata) { _ in
                    } onResponse: { for try await _ in $0.messages {} }
                }
                #expect(enrolment?.code == .unauthenticated)
                // Without its Gateway it is a waypoint no more.
                await plane.desk.resourcesChanged(Plane.resources(), findings: [])
                let late = await #expect(throws: RPCError.self) {
                    try await certificates.createCertificate(Self.certificateRequest(own), metadata: metadata)
                }
                #expect(late?.code == .unauthenticated)
            }
        }
    }

    private static func withWaypoint() -> ResourceSet {
        var resources = Plane.resources()
        var gateway = GatewayResource(metadata: ResourceMetadata(name: "waypoint", namespace: "shop"))
        gateway.className = "istio-waypoint"
        resources.gateways = [gateway]
        let labels = ["gateway.networking.k8s.io/gateway-name": "waypoint"]
        var pod = PodResource(metadata: ResourceMetadata(name: "waypoint-0", namespace: "shop", labels: labels))
        pod.nodeName = "two"
        pod.serviceAccount = "waypoint"
        pod.phase = .running
        pod.addresses = IPAddress("10.0.0.9").map { [$0] } ?? []
        resources.pods.append(pod)
        return resources
    }

    @Test("a lifetime over 90 days and a broken request are INVALID_ARGUMENT")
    func invalidArguments() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let identity = "spiffe://cluster.local/ns/shop/sa/web"
            for message in [
                Self.certificateRequest(identity, seconds: 90 * 86_400 + 1),
            Self.certificateRequest(identity, csr: "x"),
            ] {
                let error = await #expect(throws: RPCError.self) {
                    try await plane.withClient { client in
                        try await Certificates.Client(wrapping: client).createCertificate(
                            message, metadata: plane.credentials("one"))
                    }
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    @Test("a connection that makes no call is closed")
    func silentConnection() async throws {
        try await Plane.run(Scratch(), firstCallSeconds: 1) { plane in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            // Reads until the other side closes.
            process.arguments = ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(plane.port); cat <&3 >/dev/null"]
            try process.run()
            while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
            #expect(process.terminationStatus == 0)
            #expect(plane.metrics.value(.connectionsRefused) == 1)
        }
    }

    @Test("stopping ends open streams with UNAVAILABLE")
    func stop() async throws {
        try await Plane.run(Scratch()) { plane in
            await plane.desk.resourcesChanged(Plane.resources(), findings: [])
            let error = await #expect(throws: RPCError.self) {
                try await plane.withClient { client in
                    try await OpenStream.open(client, plane.credentials("one")) { stream in
                        var responses = stream.responses.makeAsyncIterator()
                        stream.requests.yield(request(policyURL))
                        stream.requests.yield(request(addressURL))
                        _ = await responses.next()
                        plane.server.stop()
                        while await responses.next() != nil {}
                    }
                }
            }
            #expect(error?.code == .unavailable)
        }
    }
}
