import NIOCore

/// When to ask whether the peer is still there, and when to give it up: one timer per connection, never cancelled
/// and set again for news (that costs a search in the loop's queue), but asked what is due when it fires. It keeps its
/// connection until `stop`: a weak reference would make counting all others slower.
struct KeepAlive {
    private enum Wait: Equatable {
        case nothing
        case settings
        /// A PING is due at the end.
        case quiet
        case acknowledgement(UInt64)
    }

    enum Due: Equatable {
        case nothing
        case sendPing(UInt64)
        case settingsMissing
        case peerSilent
    }

    /// Payload of the PING between the two GOAWAYs of a drain; keep-alive counts up from one and never gets there.
    static let drainMark = UInt64.max

    private var wait = Wait.nothing
    /// End of the present wait.
    private var deadline = NIODeadline.distantFuture
    /// When the timer has to look, not after the deadline of any wait that may begin meanwhile.
    private(set) var nextLook = NIODeadline.distantFuture
    private var pingsSent: UInt64 = 0
    private var timer: Scheduled<Void>?
    private var cutTimer: Scheduled<Void>?
    /// The PING of a drain is out.
    var awaitsDrainMark = false

    mutating func started(now: NIODeadline, limits: HBONELimits) {
        wait = .settings
        deadline = now + limits.settingsTimeout
        nextLook = min(deadline, now + limits.keepAliveInterval)
    }

    mutating func peerIsReady(now: NIODeadline, limits: HBONELimits) {
        guard wait == .settings else { return }
        wait = .quiet
        deadline = now + limits.keepAliveInterval
    }

    mutating func acknowledged(_ opaque: UInt64, now: NIODeadline, limits: HBONELimits) {
        guard wait == .acknowledgement(opaque) else { return }
        wait = .quiet
        deadline = now + limits.keepAliveInterval
    }

    /// What the fired timer means; `nextLook` is when to ask again.
    mutating func due(now: NIODeadline, limits: HBONELimits) -> Due {
        guard now >= deadline else {
            nextLook = deadline
            return .nothing
        }
        switch wait {
        case .nothing: return .nothing
        case .settings: return .settingsMissing
        case .acknowledgement: return .peerSilent
        case .quiet:
            pingsSent += 1
            wait = .acknowledgement(pingsSent)
            deadline = now + limits.keepAliveTimeout
            nextLook = min(deadline, now + limits.keepAliveInterval)
            return .sendPing(pingsSent)
        }
    }

    mutating func schedule(_ connection: HBONEConnection, on loop: any EventLoop) {
        timer = loop.assumeIsolated().scheduleTask(deadline: nextLook) {
            connection.timerFired()
        }
    }

    mutating func cutAfter(_ time: TimeAmount, _ connection: HBONEConnection, on loop: any EventLoop) {
        cutTimer = loop.assumeIsolated().scheduleTask(in: time) {
            connection.close(.drainDeadline)
        }
    }

    mutating func stop() {
        timer?.cancel()
        cutTimer?.cancel()
        timer = nil
        cutTimer = nil
        wait = .nothing
    }
}
