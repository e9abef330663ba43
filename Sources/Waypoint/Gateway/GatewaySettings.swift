package import MeshModel
package import NIOCore

/// What a waypoint is told at start.
package struct GatewaySettings: Sendable {
    /// Of its Gateway.
    package var name: String
    /// The Service that callers know the waypoint by: of the same name unless we are told otherwise.
    package var service: String
    package var namespace: String
    package var serviceAccount: String
    package var trustDomain: String = Identity.defaultTrustDomain
    /// Our own pod, whose record says where we are; what is unknown is taken from here.
    package var podName: String
    package var nodeName: String = ""
    /// Our own network; look-ups of destinations happen in it.
    package var network: String = ""
    /// Waiting for a TCP connection to an endpoint.
    package var connectTimeout: TimeAmount = .seconds(10)
    /// Waiting for the first certificate before a connection is given up.
    package var readinessTimeout: TimeAmount = .seconds(5)
    /// Whole connect phases tried before a request is refused: the first endpoint and two others.
    package var connectAttemptsMax: Int = 3
    /// Waiting for the first bytes on a port that does not say what it speaks; then the server may speak first.
    package var detectionTimeout: TimeAmount = .seconds(1)
    /// Waiting for the head of a response after the whole request was sent; `nil`: for ever, as routes decide.
    package var responseTimeout: TimeAmount?
    /// Waiting for the end of a request's head once its first byte came.
    package var requestHeadTimeout: TimeAmount = .seconds(30)
    /// Bytes of a request's body that are kept to send it again or elsewhere too.
    package var keptBodyBytesMax: Int = 64 << 10
    /// Connections to endpoints between two requests.
    var idleLimits = IdleEndpoints.Limits()
    /// Retries towards one port of a service on one loop; `nil`: as many as routes ask for.
    package var retryBudget: RetryBudgetSettings?
    /// Copies of requests under way at a time on one loop; more are not made.
    package var mirrorsMax: Int = 1_000
    /// Longest life of a copy.
    package var mirrorTimeout: TimeAmount = .seconds(15)
    /// Questions to authorizers under way at a time on one loop; others are not asked, and count as failed.
    package var questionsMax: Int = 1_000
    /// Bytes of an authorizer's answer, without its head.
    package var questionAnswerBytesMax: Int = 64 << 10
    /// Bytes of one request's body that are held to be sent to an authorizer, whatever it asks for.
    package var checkedBodyBytesMax: Int = 1 << 20
    /// Bytes of bodies that are held for authorizers on one loop; requests that would need more are refused.
    package var checkedBytesMax: Int = 64 << 20
    /// Waiting for that part of a request's body.
    package var checkedBodyTimeout: TimeAmount = .seconds(30)
    /// How long an idle connection of HTTP is kept when the waypoint ends: a request that is on its way is answered.
    package var idleDrainTime: TimeAmount = .seconds(1)
    /// CONNECT streams served at a time on one loop.
    package var callsMax: Int = 20_000
    /// PEM file of the public authorities that servers outside of the mesh are verified by; `nil`: the system's.
    package var systemRoots: String?
    /// TLS handshakes of peers under way on one loop.
    package var handshakesMax: Int = 512

    package init(name: String, namespace: String, serviceAccount: String, podName: String) {
        self.name = name
        self.service = name
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.podName = podName
    }

    /// Who we are to every peer.
    package var identity: Identity {
        Identity(trustDomain: trustDomain, namespace: namespace, serviceAccount: serviceAccount)
    }
}
