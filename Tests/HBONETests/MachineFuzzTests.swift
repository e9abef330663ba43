import HBONE
import NIOCore
import SeededTesting
import Testing

/// Bytes from outside may do anything but crash, hang, or make a session hold more than its limits.
@Suite struct MachineFuzzTests {
    // Unoptimised code is some fifty times slower.
    #if DEBUG
        static let rounds = 3_000
    #else
        static let rounds = 100_000
    #endif

    static let connect: [UInt8] = [0x02, 7] + Array("CONNECT".utf8) + [0x01, 3] + Array("a:1".utf8)

    /// What an honest peer may send about now.
    static func honestFrame(_ random: inout SeededGenerator) -> WireFrame {
        let stream = UInt32.random(in: 0...4, using: &random) * 2 + 1
        let end = Int.random(in: 0..<4, using: &random) == 0
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: return WireFrame(type: 1, flags: end ? 5 : 4, stream: stream, payload: connect)
        case 2: return WireFrame(type: 1, flags: end ? 1 : 0, stream: stream, payload: Array(connect.prefix(5)))
        case 3: return WireFrame(type: 9, flags: 4, stream: stream, payload: Array(connect.dropFirst(5)))
        case 4: return WireFrame(type: 1, flags: end ? 5 : 4, stream: 1, payload: [0x88])
        case 5: return .windowUpdate(Bool.random(using: &random) ? 0 : 1, UInt32(random.next() >> 34))
        case 6:
            let identifier = UInt16.random(in: 1...6, using: &random)
            return .settings([(identifier, UInt32.random(in: 0...70_000, using: &random))])
        case 7: return .reset(1, UInt32.random(in: 0...14, using: &random))
        case 8: return WireFrame(type: 0, flags: 8, stream: 1, payload: [3, 1, 2, 0, 0, 0])
        case 9: return .goAway(UInt32.random(in: 0...9, using: &random), 0, "x")
        default:
            let count = Int.random(in: 0..<100, using: &random)
            return .data(1, Array(repeating: 7, count: count), end: end)
        }
    }

    /// One frame with a legal-looking header and hostile content, or plain noise.
    static func hostileBytes(_ random: inout SeededGenerator) -> [UInt8] {
        if Int.random(in: 0..<10, using: &random) < 8 { return honestFrame(&random).bytes }
        if Int.random(in: 0..<10, using: &random) == 0 {
            return (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let type = UInt8.random(in: 0...10, using: &random)
        let legal: [UInt8: Int] = [2: 5, 3: 4, 4: 6, 6: 8, 7: 8, 8: 4]
        let isLegal = Int.random(in: 0..<4, using: &random) > 0
        let some = Int.random(in: 0..<12, using: &random)
        let count = isLegal ? legal[type] ?? some * 3 : some
        // Few distinct bytes, so that indexes, small lengths and small integers are met often.
        let alphabet: [UInt8] = [0, 0, 0, 1, 2, 3, 4, 5, 0x3f, 0x40, 0x41, 0x7f, 0x80, 0x82, 0x83, 0xbe, 0xff]
        let payload = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
        let flags: [UInt8] = [0, 1, 4, 5, 8, 0xc, 0x2d, 0xff]
        return WireFrame(
            type: type, flags: flags.randomElement(using: &random) ?? 0,
            stream: UInt32.random(in: 0...6, using: &random), payload: payload
        ).bytes
    }

    @Test("random frames end in an error or in an orderly state", arguments: [HTTP2Session.Role.client, .server])
    func randomFrames(_ role: HTTP2Session.Role) throws {
        let prepared = try HandPeer.withTunnel(role)
        var random = SeededGenerator(seed: role == .client ? 11 : 12)
        var failures: [HTTP2ErrorCode: Int] = [:]
        var survivors = 0
        for round in 0..<Self.rounds {
            var peer = prepared
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...10, using: &random) { bytes += Self.hostileBytes(&random) }
            do {
                let cut = Int.random(in: 0...bytes.count, using: &random)
                for event in try peer.feed(bytes: Array(bytes[..<cut])) { peer.answer(event, &random) }
                for event in try peer.feed(bytes: Array(bytes[cut...])) { peer.answer(event, &random) }
                survivors += 1
            } catch {
                failures[error.code, default: 0] += 1
                #expect(wireFrames(peer.output).last?.type == WireFrame.goAway, "round \(round)")
            }
            #expect(peer.session.unconsumedBytes <= 2_000 && peer.session.openStreamCount <= 5, "round \(round)")
            #expect(peer.input.readableBytes <= 1 << 20, "round \(round)")
        }
        // The generator must reach deep: many outcomes, not one.
        #expect(survivors > 30 && failures.count >= 3, "\(survivors) \(failures)")
    }

    @Test func randomBytesAfterThePrefaceNeverCrash() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<Self.rounds {
            var session = HTTP2Session(role: .server, limits: HTTP2Limits(role: .server))
            var output = ByteBuffer()
            var input = ByteBuffer(bytes: clientPreface + WireFrame.settings().bytes)
            for _ in 0..<Int.random(in: 0..<60, using: &random) {
                input.writeInteger(UInt8(truncatingIfNeeded: random.next()))
            }
            do {
                while try session.nextEvent(from: &input, now: .uptimeNanoseconds(1), output: &output) != nil {}
            } catch {
                #expect(session.hasFailed)
            }
        }
    }

    @Test func damagedConversationsNeverCrash() throws {
        var client = try HandPeer(.client)
        for _ in 0..<5 {
            let request = ConnectRequest(authority: "10.0.0.1:80", baggage: "a=b", traceparent: "00-1-2-00")
            let stream = try client.session.openStream(request, output: &client.output)
            var data = ByteBuffer(repeating: 7, count: 30)
            _ = client.session.sendData(stream, &data, endStream: true, output: &client.output)
        }
        let sound = Array(client.output.readableBytesView)
        let prepared = try HandPeer(.server)
        var random = SeededGenerator(seed: 99)
        for _ in 0..<Self.rounds {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            var server = prepared
            do {
                for event in try server.feed(bytes: bytes) { server.answer(event, &random) }
            } catch {
                #expect(server.session.hasFailed)
            }
        }
    }
}

extension HandPeer {
    /// Does something a driver may do.
    mutating func answer(_ event: HTTP2Event, _ random: inout SeededGenerator) {
        switch event {
        case .connectRequest(let id, _, _): session.respond(id, status: 200, output: &output)
        case .badRequest(let id, let reason):
            session.respond(id, status: reason.status, endStream: true, output: &output)
        case .data(let id, _, let bytes, _):
            switch random.next() % 4 {
            case 0: session.reset(id, code: .cancel, output: &output)
            case 1: session.discard(id, output: &output)
            case 2: session.credit(id, bytes: bytes, output: &output)
            default: break
            }
        default: break
        }
    }
}
