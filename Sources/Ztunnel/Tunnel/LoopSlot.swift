internal import NIOCore

/// One event loop of the tunnel and what lives on it. Others reach it only by running there.
struct LoopSlot: Sendable {
    let eventLoop: any EventLoop
    private let bound: NIOLoopBound<TunnelLoop>

    /// Must be called on the loop.
    init(_ loop: TunnelLoop) {
        self.eventLoop = loop.eventLoop
        self.bound = NIOLoopBound(loop, eventLoop: loop.eventLoop)
    }

    /// Must be called on the loop.
    var loop: TunnelLoop { bound.value }

    func execute(_ body: @escaping @Sendable (TunnelLoop) -> Void) {
        eventLoop.execute { body(bound.value) }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable (TunnelLoop) throws -> Value) async throws -> Value {
        try await eventLoop.submit { try body(bound.value) }.get()
    }
}
