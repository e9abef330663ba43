internal import Dispatch
internal import MeshKernel

/// One end of a hand-over: whole packets, each with at most one descriptor. Calls wait on a queue of their own, one
/// after the other, and hold up no task.
final class HandoverConnection: Sendable {
    /// A message and what comes along.
    struct Packet: Sendable {
        let message: HandoverMessage
        let descriptor: PassedDescriptor?

        init(_ message: HandoverMessage, _ descriptor: PassedDescriptor? = nil) {
            self.message = message
            self.descriptor = descriptor
        }
    }

    private let socket: OwnedDescriptor
    private let queue = DispatchQueue(label: "handover")

    init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// Connects to the daemon that listens there; `nil` when nobody does.
    static func find(path: String) async throws(HandoverError) -> HandoverConnection? {
        try await blocking(on: DispatchQueue(label: "handover-find")) { () throws(HandoverError) in
            try open(path: path)
        }
    }

    private static func open(path: String) throws(HandoverError) -> HandoverConnection? {
        do throws(KernelError) {
            let socket = try UnixControl.connect(
                path: path, kind: .packets, timeoutMilliseconds: HandoverLimits.answerMilliseconds)
            try checkUser(of: socket)
            return HandoverConnection(socket)
        } catch {
            if error.meansNobodyListens { return nil }
            throw .system(error)
        }
    }

    /// The other end acts as the same user.
    static func checkUser(of socket: borrowing OwnedDescriptor) throws(KernelError) {
        let (own, found) = (UnixControl.ownUserID, try UnixControl.peerCredentials(of: socket).userID)
        guard own == found else { throw .controlMessage("expected user \(own) at the other end, found \(found)") }
    }

    /// All of them, in order.
    func send(_ packets: [Packet]) async throws(HandoverError) {
        try await Self.blocking(on: queue) { () throws(HandoverError) in
            for packet in packets { try self.write(packet) }
        }
    }

    func send(_ message: HandoverMessage) async throws(HandoverError) { try await send([Packet(message)]) }

    /// The next message; `nil` when none came within the time. `.refused` is thrown. Errors: `.ended` at the end of the
    /// other side.
    func receive(withinMilliseconds bound: Int) async throws(HandoverError) -> Packet? {
        try await Self.blocking(on: queue) { () throws(HandoverError) in try self.read(withinMilliseconds: bound) }
    }

    /// As `receive`; a silent other end counts as ended.
    func next(withinMilliseconds bound: Int = HandoverLimits.answerMilliseconds) async throws(HandoverError) -> Packet {
        guard let packet = try await receive(withinMilliseconds: bound) else { throw .ended }
        return packet
    }

    private func write(_ packet: Packet) throws(HandoverError) {
        let bytes: [UInt8]
        do throws(HandoverCodecError) { bytes = try HandoverCodec.encode(packet.message) } catch {
            throw .malformed(error)
        }
        do throws(KernelError) {
            try socket.setTimeouts(
                receiveMilliseconds: HandoverLimits.answerMilliseconds,
                sendMilliseconds: HandoverLimits.sendMilliseconds)
            guard let descriptor = packet.descriptor else { return try UnixControl.send(bytes, over: socket) }
            let sent: Void? = try descriptor.withRaw { (raw) throws(KernelError) in
                try UnixControl.send(bytes, descriptor: raw, over: self.socket)
            }
            guard sent != nil else { throw .controlMessage("a descriptor was passed twice") }
        } catch {
            throw .system(error)
        }
    }

    private func read(withinMilliseconds bound: Int) throws(HandoverError) -> Packet? {
        let bytes: [UInt8]
        var passed: PassedDescriptor?
        do throws(KernelError) {
            try socket.setTimeouts(
                receiveMilliseconds: bound, sendMilliseconds: HandoverLimits.sendMilliseconds)
            let message = try UnixControl.receive(bytesMax: HandoverLimits.packetBytesMax, over: socket)
            bytes = message.bytes
            if let descriptor = message.takeDescriptor() { passed = PassedDescriptor(descriptor) }
        } catch {
            if error.isTimeout { return nil }
            throw error.meansReset ? .ended : .system(error)
        }
        guard !bytes.isEmpty else { throw .ended }
        let message: HandoverMessage
        do throws(HandoverCodecError) { message = try HandoverCodec.decode(bytes) } catch { throw .malformed(error) }
        if case .refused(let reason) = message { throw .refused(reason) }
        return Packet(message, passed)
    }

    private static func blocking<Value: Sendable>(
        on queue: DispatchQueue, _ body: @escaping @Sendable () throws(HandoverError) -> Value
    ) async throws(HandoverError) -> Value {
        let result = await withCheckedContinuation { continuation in
            queue.async {
                do throws(HandoverError) {
                    continuation.resume(returning: Result<Value, HandoverError>.success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
