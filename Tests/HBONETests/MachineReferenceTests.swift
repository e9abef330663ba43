import NIOCore
import SeededTesting
import Testing

@testable import HBONE

@Suite("DATA by reference")
struct MachineReferenceTests {
    /// As the driver does it: a header from the machine, then exactly so many bytes as they are.
    private func refer(_ peer: inout HandPeer, _ data: inout ByteBuffer, endStream: Bool) -> Int {
        var total = 0
        while data.readableBytes > 0 {
            let taken = peer.session.beginData(
                HTTP2StreamID(1), available: data.readableBytes, endStream: endStream, output: &peer.output)
            guard taken > 0, var payload = data.readSlice(length: taken) else { break }
            peer.output.writeBuffer(&payload)
            total += taken
        }
        return total
    }

    /// Everything that later decisions rest on.
    private func expectEqual(_ left: HandPeer, _ right: HandPeer, _ seed: UInt64) {
        let stream = HTTP2StreamID(1)
        #expect(left.output == right.output, "seed \(seed)")
        #expect(left.session.diagnostics == right.session.diagnostics, "seed \(seed)")
        #expect(left.session.sendableBytes(stream) == right.session.sendableBytes(stream), "seed \(seed)")
        #expect(left.session.sendWindowBytes == right.session.sendWindowBytes, "seed \(seed)")
        #expect(left.session.floods.dataBytesSent == right.session.floods.dataBytesSent, "seed \(seed)")
        #expect(left.session.isSendOpen(stream) == right.session.isSendOpen(stream), "seed \(seed)")
        #expect(left.session.openStreamCount == right.session.openStreamCount, "seed \(seed)")
        let unread = [left, right].map(\.session.ledger.unreadControlBytesAtMost)
        #expect(unread[0] == unread[1], "seed \(seed)")
    }

    @Test("the wire and the accounts are those of copied DATA, whatever the windows", arguments: UInt64(0)..<80)
    func sameAsCopied(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let role: HTTP2Session.Role = Bool.random(using: &random) ? .client : .server
        let settings: [(UInt16, UInt32)] = [
            (4, UInt32.random(in: 0...150_000, using: &random)),
            (5, UInt32.random(in: 16_384...60_000, using: &random)),
        ]
        var copied = try HandPeer.withTunnel(role, settings: settings)
        var referred = try HandPeer.withTunnel(role, settings: settings)
        for _ in 0..<80 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                let frame = WireFrame.windowUpdate(
                    Bool.random(using: &random) ? 1 : 0, UInt32.random(in: 1...60_000, using: &random))
                try copied.feed(frame)
                try referred.feed(frame)
            case 1:
                copied.session.outputFlushed(bytes: copied.output.readableBytes)
                referred.session.outputFlushed(bytes: referred.output.readableBytes)
                copied.output.clear()
                referred.output.clear()
            default:
                let start = Int.random(in: 0..<1000, using: &random)
                let count = Int.random(in: 1...(Bool.random(using: &random) ? 50 : 70_000), using: &random)
                var data = Conversation.piece(1, start, count)
                var same = data
                let end = Int.random(in: 0..<25, using: &random) == 0
                let taken = copied.session.sendData(HTTP2StreamID(1), &data, endStream: end, output: &copied.output)
                #expect(refer(&referred, &same, endStream: end) == taken, "seed \(seed)")
                #expect(data == same, "seed \(seed): what is left")
            }
            expectEqual(copied, referred, seed)
        }
    }

    @Test("nothing is begun for a stream that is over, not known, not answered, or when there is nothing to send")
    func refused() throws {
        var peer = try HandPeer.withTunnel(.client)
        func begin(_ peer: inout HandPeer, _ stream: UInt32, _ available: Int) -> Int {
            peer.session.beginData(
                HTTP2StreamID(stream), available: available, endStream: true, output: &peer.output)
        }
        #expect(begin(&peer, 3, 10) == 0)
        #expect(begin(&peer, 1, 0) == 0)
        #expect(begin(&peer, 1, 10) == 10)
        #expect(begin(&peer, 1, 10) == 0, "ended")
        #expect(wireFrames(peer.output).isEmpty, "a header without its payload is no frame yet")
        var server = try HandPeer(.server)
        try server.feed(server.headers(1))
        server.output.clear()
        let taken = server.session.beginData(
            HTTP2StreamID(1), available: 10, endStream: false, output: &server.output)
        #expect(taken == 0 && server.output.readableBytes == 0)
    }
}
