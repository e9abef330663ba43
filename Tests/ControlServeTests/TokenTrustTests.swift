import ControlAuthority
import ControlServe
import ControlTranslate
import GRPCCore
import MeshModel
import MeshWire
import SwiftProtobuf
import Synchronization
import Testing

/// Says of each token what a test wrote down.
final class TableReviewer: TokenReviewer {
    private let table: [String: TokenReview]
    private let isAway = Mutex(false)

    init(_ table: [String: TokenReview]) { self.table = table }

    func goAway() { isAway.withLock { $0 = true } }

    func review(_ token: String) async throws(TokenReviewFailure) -> TokenReview {
        guard !isAway.withLock({ $0 }) else { throw .unreachable("no route") }
        return table[token] ?? .refused("invalid bearer token")
    }
}

@Suite("Tokens of pods", .timeLimit(.minutes(1)))
struct TokenTrustTests {
    private typealias Certificates = Istio_V1_Auth_IstioCertificateService
    typealias Enrolment = Apus_Node_V1_NodeEnrolment
    private typealias Discovery = Envoy_Service_Discovery_V3_AggregatedDiscoveryService

    private static let trust = TokenTrust(nodeAccounts: [.init(namespace: "apus-system", name: "ztunnel")])

    private static func token(
        _ namespace: String, _ account: String, pod: String?, uid: String = "", node: String? = nil
    ) -> ReviewedToken {
        ReviewedToken(
            account: .init(namespace: namespace, name: account),
            pod: pod.map { .init(name: $0, uid: uid.isEmpty ? "uid-\($0)" : uid) }, node: node)
    }

    private static var book: NodeBook {
        var book = NodeBook(trustDomain: "cluster.local")
        func add(_ namespace: String, _ name: String, _ account: String, _ node: String, isOver: Bool = false) {
            book.pods[PodKey(namespace: namespace, name: name)] = NodeBook.Pod(
                uid: "uid-\(name)", serviceAccount: account, node: node, isOver: isOver)
        }
        add("apus-system", "ztunnel-1", "ztunnel", "one")
        add("apus-system", "ztunnel-3", "ztunnel", "")
        add("apus-system", "ztunnel-4", "ztunnel", "four", isOver: true)
        add("shop", "web", "web", "one")
        add("shop", "ztunnel-9", "ztunnel", "one")
        book.pods[PodKey(namespace: "shop", name: "file")] = .init(uid: "", serviceAccount: "web", node: "one")
        return book
    }

    @Test("a bound token is worth what its pod is", arguments: [
        (token("apus-system", "ztunnel", pod: "ztunnel-1"), .node("one"), nil),
        (token("apus-system", "ztunnel", pod: "ztunnel-1", node: "one"), .node("one"), nil),
        (token("shop", "web", pod: "web"), .pod(namespace: "shop", name: "web", account: "web"), nil),
        // Only the account of the system's namespace speaks for nodes.
        (
            token("shop", "ztunnel", pod: "ztunnel-9"), .pod(namespace: "shop", name: "ztunnel-9", account: "ztunnel"),
            nil
        ),
        (token("apus-system", "ztunnel", pod: nil), nil, "found one bound to none"),
        (token("apus-system", "ztunnel", pod: "ztunnel-2"), nil, "is not known"),
        (token("apus-system", "ztunnel", pod: "ztunnel-1", uid: "old"), nil, "with uid old, found a pod of this name"),
        (token("shop", "api", pod: "web"), nil, "of service account api, found pod shop/web running as web"),
        (token("apus-system", "ztunnel", pod: "ztunnel-1", node: "two"), nil, "is on node 'two', found it on"),
        (token("apus-system", "ztunnel", pod: "ztunnel-3"), nil, "found it on node ''"),
        (token("apus-system", "ztunnel", pod: "ztunnel-4"), nil, "has ended"),
        // A pod without a uid would match a token without one.
        (ReviewedToken(account: .init(namespace: "shop", name: "web"), pod: .init(name: "file", uid: "")), nil, "uid"),
    ] as [(ReviewedToken, TokenHolder?, String?)])
    func table(token: ReviewedToken, holder: TokenHolder?, refusal: String?) {
        do {
            let found = try Self.trust.holder(of: token, in: Self.book)
            #expect(found == holder)
        } catch {
            #expect(refusal.map { error.description.contains($0) } == true, "\(error)")
            #expect(holder == nil)
        }
    }

    /// Two ztunnels, an application's pod and a waypoint's, each with its token.
    static func plane(
        _ body: @Sendable (Plane, Plane.Client, TableReviewer) async throws -> Void
    ) async throws {
        let reviewer = TableReviewer([
            "one": .accepted(token("apus-system", "ztunnel", pod: "ztunnel-1")),
            "two": .accepted(token("apus-system", "ztunnel", pod: "ztunnel-2")),
            "web": .accepted(token("shop", "web", pod: "web")),
            "waypoint": .accepted(token("shop", "waypoint", pod: "waypoint-0")),
            "gone": .accepted(token("apus-system", "ztunnel", pod: "ztunnel-0")),
            "reused": .accepted(token("apus-system", "ztunnel", pod: "ztunnel-1", uid: "uid-before")),
        ])
        let reviews = Authenticator.Reviews(reviewer: reviewer, trust: trust)
        try await Plane.run(Scratch(), reviews: reviews) { plane in
            await plane.desk.resourcesChanged(resources, findings: [])
            try await plane.withClient { try await body(plane, $0, reviewer) }
        }
    }

    static var resources: ResourceSet {
        var resources = Plane.resources()
        var gateway = GatewayResource(metadata: ResourceMetadata(name: "waypoint", namespace: "shop"))
        gateway.className = "istio-waypoint"
        resources.gateways = [gateway]
        for (namespace, name, account, node) in [
            ("apus-system", "ztunnel-1", "ztunnel", "one"), ("apus-system", "ztunnel-2", "ztunnel", "two"),
            ("shop", "waypoint-0", "waypoint", "two"),
        ] {
            var pod = PodResource(
                metadata: ResourceMetadata(name: name, namespace: namespace, uid: "uid-\(name)"))
            pod.nodeName = node
            pod.serviceAccount = account
            pod.phase = .running
            if account == "waypoint" { pod.metadata.labels["gateway.networking.k8s.io/gateway-name"] = account }
            resources.pods.append(pod)
        }
        return resources
    }

    static func bearer(_ token: String) -> Metadata { ["authorization": "Bearer \(token)"] }

    @Test("a ztunnel gets certificates of its own node's pods, a pod its own, nobody else's", arguments: [
        ("one", "shop/sa/web", nil), ("two", "shop/sa/api", nil), ("web", "shop/sa/web", nil), ("web", nil, nil),
        ("waypoint", "shop/sa/waypoint", nil),
        ("two", "shop/sa/web", "the resources place no pod of spiffe://cluster.local/ns/shop/sa/web on node two"),
        ("one", "shop/sa/api", "on node one"), ("one", nil, "no metadata ImpersonatedIdentity"),
        ("web", "shop/sa/api", "pod shop/web of service account web may ask for itself only"),
        ("waypoint", "shop/sa/web", "may ask for itself only"),
        ("forged", "shop/sa/web", "the API server refuses the token: invalid bearer token"),
        ("gone", "shop/sa/web", "pod apus-system/ztunnel-0, which is not known"),
        ("reused", "shop/sa/web", "with uid uid-before, found a pod of this name with uid uid-ztunnel-1"),
    ] as [(String, String?, String?)])
    func certificates(token: String, identity: String?, refusal: String?) async throws {
        try await Self.plane { _, client, _ in
            let request = ControlServerTests.certificateRequest(identity.map { "spiffe://cluster.local/ns/\($0)" })
            do {
                let response = try await Certificates.Client(wrapping: client).createCertificate(
                    request, metadata: Self.bearer(token))
                #expect(refusal == nil)
                #expect(response.certChain.count == 2)
            } catch let error as RPCError {
                #expect(error.code == .unauthenticated)
                #expect(refusal.map { error.message.contains($0) } == true, "\(error.message)")
            }
        }
    }

    @Test("an API server that is away is no refusal: UNAVAILABLE, which clients try again")
    func away() async throws {
        try await Self.plane { plane, client, reviewer in
            reviewer.goAway()
            let error = await #expect(throws: RPCError.self) {
                try await Certificates.Client(wrapping: client).createCertificate(
                    .init(), metadata: Self.bearer("one"))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("no route") == true)
            #expect(plane.metrics.value(.tokenReviewFailures) == 1)
            #expect(plane.metrics.value(.authenticationFailures) == 0)
        }
    }

    @Test("before the first resources nobody is refused: UNAVAILABLE")
    func unread() async throws {
        let reviewer = TableReviewer(["one": .accepted(Self.token("apus-system", "ztunnel", pod: "ztunnel-1"))])
        let reviews = Authenticator.Reviews(reviewer: reviewer, trust: Self.trust)
        try await Plane.run(Scratch(), reviews: reviews) { plane in
            try await plane.withClient { client in
                let error = await #expect(throws: RPCError.self) {
                    try await Certificates.Client(wrapping: client).createCertificate(
                        .init(), metadata: Self.bearer("one"))
                }
                #expect(error?.code == .unavailable)
            }
        }
    }

    @Test("only a node enrols, as the node that its pod is on, whatever it says")
    func enrolment() async throws {
        try await Self.plane { _, client, _ in
            try await Enrolment.Client(wrapping: client).synchronize(metadata: Self.bearer("two")) { writer in
                try await writer.write(.with { $0.node = "two" })
                try await Task.sleep(for: .seconds(1))
            } onResponse: { response in
                var intents = response.messages.makeAsyncIterator()
                let first = try await intents.next()
                #expect(first?.pods.map(\.name).contains("api") == true)
            }
            for (token, claimed, code) in [
                ("two", "one", RPCError.Code.permissionDenied), ("web", "one", .unauthenticated),
                ("waypoint", "two", .unauthenticated),
            ] {
                let error = await #expect(throws: RPCError.self) {
                    try await Enrolment.Client(wrapping: client).synchronize(metadata: Self.bearer(token)) { writer in
                        try await writer.write(.with { $0.node = claimed })
                        try await Task.sleep(for: .seconds(1))
                    } onResponse: { for try await _ in $0.messages {} }
                }
                #expect(error?.code == code)
            }
        }
    }

    @Test("nodes and waypoints hear the world, other pods do not")
    func discovery() async throws {
        try await Self.plane { _, client, _ in
            for token in ["one", "waypoint"] {
                try await OpenStream.open(client, Self.bearer(token)) { stream in
                    var responses = stream.responses.makeAsyncIterator()
                    stream.requests.yield(request(policyURL))
                    #expect(await responses.next()?.typeURL == policyURL)
                }
            }
            let error = await #expect(throws: RPCError.self) {
                try await Discovery.Client(wrapping: client).deltaAggregatedResources(metadata: Self.bearer("web")) {
                    _ in
                } onResponse: { for try await _ in $0.messages {} }
            }
            #expect(error?.code == .permissionDenied)
        }
    }
}
