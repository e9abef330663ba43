import Foundation
package import MeshKernel
import Synchronization

/// A live connection: one end sends a counter every 10 ms, the other sends it back, each in its own thread.
package final class PingPong: Sendable {
    private struct Progress {
        var exchanges = 0
        var failure: String?
        var running = 2
        var stop = false
    }

    private let progress = Mutex(Progress())

    /// Takes both ends of the connection. They must have a receive timeout, which bounds the detection of a stall.
    package init(client: consuming OwnedDescriptor, server: consuming OwnedDescriptor) {
        // A thread takes a copyable closure; the box hands over the one owner. Each closure holds its own end only,
        // so that the end of the first thread closes a socket and thereby ends the second.
        let (driven, echoing) = (Box(client), Box(server))
        start { owner in try Self.drive(driven.descriptor, owner) }
        start { owner in try Self.echo(echoing.descriptor, owner) }
    }

    package var exchanges: Int { progress.withLock { $0.exchanges } }
    package var failure: String? { progress.withLock { $0.failure } }

    /// Throws unless `count` more exchanges succeed.
    package func expectProgress(_ count: Int = 20, seconds: Double = 10) throws {
        let goal = exchanges + count
        try Wait.until("\(count) more exchanges on a live connection", seconds: seconds) {
            if let failure = progress.withLock({ $0.failure }) { throw Broken(reason: failure) }
            return exchanges >= goal
        }
    }

    /// Ends both threads and closes the connection.
    package func stop() throws {
        progress.withLock { $0.stop = true }
        try Wait.until("end of the exchange") { progress.withLock { $0.running == 0 } }
    }

    package struct Broken: Error, CustomStringConvertible {
        package let reason: String
        package var description: String { "the live connection broke: \(reason)" }
    }

    private final class Box: Sendable {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private func start(_ body: @escaping @Sendable (PingPong) throws -> Void) {
        Thread.detachNewThread {
            do {
                try body(self)
            } catch {
                self.progress.withLock { state in
                    if !state.stop, state.failure == nil { state.failure = "\(error)" }
                }
            }
            self.progress.withLock { $0.running -= 1 }
        }
    }

    private var mustStop: Bool { progress.withLock { $0.stop || $0.failure != nil } }

    private static func drive(_ socket: borrowing OwnedDescriptor, _ owner: PingPong) throws {
        var number: UInt8 = 0
        while !owner.mustStop {
            try socket.write([number])
            let answer = try socket.read(bytesMax: 1)
            guard answer == [number] else { throw Broken(reason: "expected \(number), found \(answer)") }
            number &+= 1
            owner.progress.withLock { $0.exchanges += 1 }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private static func echo(_ socket: borrowing OwnedDescriptor, _ owner: PingPong) throws {
        while !owner.mustStop {
            let bytes = try socket.read(bytesMax: 1)
            if bytes.isEmpty, owner.mustStop { return }
            guard !bytes.isEmpty else { throw Broken(reason: "closed by the peer") }
            try socket.write(bytes)
        }
    }
}
