/// How much of a connection's receive buffer streams hold beyond the window that every stream begins with.
///
/// All grants together (what peers may still send on each stream, and what is held of it) stay below the buffer, less a
/// reserve: then the connection's window never closes before a stream's own, and streams whose readers stopped cannot
/// stop the others, however many they are and whatever they earned before. The first windows of all streams that may be
/// open are set aside; the rest is the pool that windows grow into. A stream may take twice what it leaves free, so the
/// first bulk streams get full windows, later ones smaller ones, and something is always left for the next.
struct WindowBudget {
    /// What may be granted beyond the first windows, bytes, all streams together.
    let poolBytes: Int
    private(set) var usedBytes = 0

    init(role: HTTP2Session.Role, limits: HTTP2Limits) {
        let streamsMax = role == .server ? limits.concurrentStreamsMax : limits.openedStreamsMax
        // So much that a closed window of the connection always has enough owed to be opened again.
        let reserveBytes = limits.connectionWindowBytes / (limits.windowUpdateShare * 2)
        poolBytes = max(
            0, limits.connectionBufferBytesMax - reserveBytes - streamsMax * limits.streamWindowBytes)
    }

    private var freeBytes: Int { poolBytes - usedBytes }

    /// Little is left: streams whose readers are behind give back.
    var isPressed: Bool { freeBytes * 4 < poolBytes }

    /// Whether a stream that holds `heldBytes` of the pool may hold `bytes` instead.
    func allows(_ bytes: Int, insteadOf heldBytes: Int) -> Bool {
        bytes <= (freeBytes + heldBytes - bytes) * 2
    }

    mutating func change(from before: Int, to after: Int) { usedBytes += after - before }
}
