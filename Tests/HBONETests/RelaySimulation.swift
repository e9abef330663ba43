import HBONE
import NIOCore
import NIOEmbedded

/// Applications, relays and the two ends of one tunnel connection, all on one embedded loop: application, relay,
/// tunnel, relay, application, for each of some streams. Nothing moves unless a test moves it.
final class RelaySimulation {
    /// One application with its relay's socket.
    final class Seat {
        let socket: SimulatedSocket
        let relay: Relay
        /// What the application sends, and what it expects to read: the pattern of the other seat.
        var sending: Pattern
        var reading: Pattern
        let sendBytes: Int
        var hasEnded = false
        var sawEnd = false

        init(_ socket: SimulatedSocket, _ relay: Relay, sendBytes: Int) {
            self.socket = socket
            self.relay = relay
            self.sendBytes = sendBytes
            self.sending = Pattern()
            self.reading = Pattern()
        }
    }

    let loop = EmbeddedEventLoop()
    private(set) var tunnel: [SimulatedSocket] = []
    private(set) var connections: [HBONEConnection] = []
    private(set) var seats: [Seat] = []
    private(set) var ends: [RelayEnd] = []
    private(set) var failures: [String] = []
    private(set) var movedBytes = 0
    private var accepted: [HBONEStream] = []

    init(_ limits: (HTTP2Session.Role) -> HBONELimits) throws {
        for role in [HTTP2Session.Role.client, .server] {
            let limits = limits(role)
            let connection = HBONEConnection(
                role: role, limits: limits,
                onConnect: { [unowned self] stream, _ in
                    stream.accept(baggage: nil)
                    accepted.append(stream)
                })
            connections.append(connection)
            tunnel.append(try SimulatedSocket(
                on: loop, high: limits.channelHighWaterBytes, low: limits.channelLowWaterBytes, connection))
        }
        settleTunnel()
    }

    /// Opens a stream with an application at each end that sends so many bytes; both seats, the client's first.
    @discardableResult
    func open(_ limits: RelayLimits, sendBytes: (Int, Int)) throws -> (Seat, Seat) {
        var opened: HBONEStream?
        connections[0].open(ConnectRequest(authority: "10.0.0.1:80")) { result in
            if case .success((let stream, _)) = result { opened = stream }
        }
        settleTunnel()
        guard let stream = opened, let taken = accepted.popLast() else { throw HBONEError.noFreeStream }
        let near = try seat(limits, sendBytes.0)
        let far = try seat(limits, sendBytes.1)
        near.relay.join(stream)
        far.relay.join(taken)
        seats += [near, far]
        return (near, far)
    }

    /// Two applications whose relays are joined to each other, as those of two pods of one node are.
    func openPair(_ limits: RelayLimits, sendBytes: (Int, Int)) throws {
        let near = try seat(limits, sendBytes.0)
        let far = try seat(limits, sendBytes.1)
        near.relay.join(far.relay)
        seats += [near, far]
    }

    private func seat(_ limits: RelayLimits, _ sendBytes: Int) throws -> Seat {
        let relay = Relay(limits: limits) { [unowned self] in ends.append($0) }
        let socket = try SimulatedSocket(
            on: loop, high: limits.channelHighWaterBytes, low: limits.channelLowWaterBytes, relay)
        return Seat(socket, relay, sendBytes: sendBytes)
    }

    /// Everything of the tunnel arrives, as far as nobody needs an application for it.
    func settleTunnel() {
        var before = -1
        while before != movedBytes {
            before = movedBytes
            for side in 0..<2 { pump(side, 1 << 30) }
        }
    }

    /// One piece goes from this end of the tunnel to the other.
    func pump(_ side: Int, _ bytes: Int) {
        loop.run()
        tunnel[side].makeRoom(bytes, limit: bytes)
        let piece = tunnel[side].fetch(bytes)
        movedBytes += piece.readableBytes
        tunnel[1 - side].deliver(piece)
        loop.run()
    }

    /// The application sends one piece, if it is asked for; after its last byte the end. `unasked`: NIO takes
    /// everything from a socket whose peer has ended.
    func send(_ seat: Seat, _ bytes: Int, unasked: Bool = false) {
        guard !seat.hasEnded, seat.socket.wantsRead || unasked else { return }
        let count = min(bytes, seat.sendBytes - seat.sending.offset)
        movedBytes += count
        seat.socket.deliver(seat.sending.next(count))
        if seat.sending.offset == seat.sendBytes {
            seat.hasEnded = true
            movedBytes += 1
            seat.socket.deliverEnd()
        }
        loop.run()
    }

    /// The application reads so many bytes.
    func read(_ seat: Seat, _ bytes: Int) {
        seat.socket.makeRoom(bytes, limit: bytes)
        let piece = seat.socket.fetch(bytes)
        movedBytes += piece.readableBytes
        if let wrong = seat.reading.check(piece) { failures.append("wrong bytes behind \(wrong)") }
        if seat.socket.isOutputShut || !seat.socket.isOpen, seat.socket.sent.readableBytes == 0, !seat.sawEnd {
            seat.sawEnd = true
            movedBytes += 1
        }
        loop.run()
    }

    /// These (or all) read and send until nothing moves any more.
    func settle(_ seats: [Seat]? = nil) {
        let seats = seats ?? self.seats
        var before = -1
        while before != movedBytes {
            before = movedBytes
            for seat in seats {
                send(seat, 50_000)
                read(seat, 50_000)
            }
            for side in 0..<2 { pump(side, 100_000) }
        }
    }

    /// Closes what is open; an embedded channel insists on it.
    func finish() {
        for socket in tunnel + seats.map(\.socket) where socket.isOpen { socket.lose() }
        loop.run()
    }
}
