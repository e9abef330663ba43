import HBONE
import MeshModel
import NIOCore
import SeededTesting
import Testing

/// Conversations of messages: cut anywhere they mean the same; hostile ones end in an error or in an orderly state.
@Suite struct MessagePropertyTests {
    /// Frames of a client that asks for several things at a time.
    static func conversation(_ random: inout SeededGenerator, _ peer: inout MessagePeer) -> [UInt8] {
        var bytes: [UInt8] = []
        var open: [UInt32] = []
        var next: UInt32 = 1
        for _ in 0..<40 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2:
                let isOver = Bool.random(using: &random)
                let value = String(repeating: "v", count: Int.random(in: 0...300, using: &random))
                let fields = getFields(isOver ? "GET" : "POST", path: "/\(random.next() % 9)")
                bytes += peer.headers(next, fields + [("x-value", value)], end: isOver).bytes
                if !isOver { open.append(next) }
                next += 2
            case 3, 4, 5:
                guard let stream = open.randomElement(using: &random) else { continue }
                let count = Int.random(in: 0...200, using: &random)
                let end = Int.random(in: 0..<5, using: &random) == 0
                bytes += WireFrame.data(stream, Array(repeating: UInt8(stream), count: count), end: end).bytes
                if end { open.removeAll { $0 == stream } }
            case 6:
                guard let stream = open.popLast() else { continue }
                bytes += peer.headers(stream, [("x-end", "\(stream)")], end: true).bytes
            default:
                // Malformed: reset, and its neighbours live on.
                bytes += peer.headers(next, [(":method", "GET"), ("X", "y")], end: true).bytes
                next += 2
            }
        }
        return bytes
    }

    /// Events with the pieces of DATA joined, which are cut as they arrive.
    static func joined(_ events: [HTTP2MessageEvent]) -> [HTTP2MessageEvent] {
        var joined: [HTTP2MessageEvent] = []
        for event in events {
            if case .event(.data(let stream, let bytes, let credit, let end)) = event,
                case .event(.data(stream, var before, let creditBefore, false)) = joined.last
            {
                before.writeImmutableBuffer(bytes)
                joined[joined.count - 1] = .event(
                    .data(stream, before, creditBytes: creditBefore + credit, endStream: end))
            } else {
                joined.append(event)
            }
        }
        return joined
    }

    @Test("any cut gives the same events and the same answer", arguments: UInt64(1)...20)
    func cuts(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var whole = try MessagePeer(.server)
        let bytes = Self.conversation(&random, &whole)
        let expected = Self.joined(try whole.feed(bytes: bytes))
        let requests = expected.filter(\.isRequest)
        #expect(requests.count > 1)
        for _ in 0..<10 {
            var cut = try MessagePeer(.server)
            var events: [HTTP2MessageEvent] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...(Bool.random(using: &random) ? 3 : 400), using: &random)
                events += try cut.feed(bytes: Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(Self.joined(events) == expected, "seed \(seed)")
            #expect(cut.output == whole.output, "seed \(seed)")
        }
    }

    static let get: [UInt8] = [0x82, 0x86, 0x84, 0x01, 1, 0x61]

    /// A frame as a peer may send it about now.
    static func frame(_ random: inout SeededGenerator) -> WireFrame {
        let stream = UInt32.random(in: 0...3, using: &random) * 2 + 1
        let flags: UInt8 = Bool.random(using: &random) ? 5 : 4
        let trailers: [UInt8] = [0x00, 1, 0x78, 1, 0x79]
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: return WireFrame(type: 1, flags: flags, stream: stream, payload: get)
        case 2: return WireFrame(type: 1, flags: flags, stream: stream, payload: get + [0x0f, 0x0d, 1, 0x35])
        case 3: return WireFrame(type: 1, flags: flags, stream: stream, payload: trailers)
        case 4: return WireFrame(type: 1, flags: flags, stream: stream, payload: [0x88])
        case 5: return WireFrame(type: 1, flags: flags, stream: stream, payload: [0x08, 3, 0x31, 0x30, 0x33])
        case 6: return MachineFuzzTests.honestFrame(&random)
        default:
            let count = Int.random(in: 0..<9, using: &random)
            return .data(stream, Array(repeating: 7, count: count), end: Bool.random(using: &random))
        }
    }

    @Test("random frames end in an error or in an orderly state", arguments: [HTTP2Session.Role.client, .server])
    func randomFrames(_ role: HTTP2Session.Role) throws {
        var prepared = try MessagePeer(role)
        if role == .client {
            for method in ["GET", "HEAD", "POST"] {
                _ = try prepared.session.openRequest(
                    HTTP2RequestHead(method: method, authority: "a", path: "/"), endStream: method != "POST",
                    output: &prepared.output)
            }
        }
        var random = SeededGenerator(seed: role == .client ? 21 : 22)
        var kinds: Set<String> = []
        for round in 0..<MachineFuzzTests.rounds {
            var peer = prepared
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...10, using: &random) {
                bytes += Int.random(in: 0..<8, using: &random) == 0
                    ? MachineFuzzTests.hostileBytes(&random) : Self.frame(&random).bytes
            }
            do {
                for event in try peer.feed(bytes: bytes) { kinds.insert(peer.answer(event, &random)) }
            } catch {
                kinds.insert("connection error")
                #expect(wireFrames(peer.output).last?.type == WireFrame.goAway, "round \(round)")
            }
            #expect(peer.session.unconsumedBytes <= 2_000 && peer.session.openStreamCount <= 5, "round \(round)")
        }
        // The generator must reach deep: many outcomes, not one.
        let reached: Set<String> = role == .server
            ? ["request", "trailers", "data", "stream error", "connection error"]
            : ["response", "interim", "trailers", "data", "stream error", "connection error"]
        #expect(kinds.isSuperset(of: reached), "\(kinds)")
    }
}

extension MessagePeer {
    /// Does something a driver may do; returns what kind of event it was.
    mutating func answer(_ event: HTTP2MessageEvent, _ random: inout SeededGenerator) -> String {
        switch event {
        case .section(let id, .request, _):
            let ends = Bool.random(using: &random)
            try? session.sendResponse(id, .init(status: 200), endStream: ends, output: &output)
            if Bool.random(using: &random) {
                try? session.sendTrailers(id, HeaderLines([("x", "y")]), output: &output)
            }
            return "request"
        case .section(let id, .refused(let reason), _):
            try? session.sendResponse(id, .init(status: reason.status), endStream: true, output: &output)
            return "refused"
        case .section(_, .response, _): return "response"
        case .section(_, .interim, _): return "interim"
        case .section(_, .trailers, _): return "trailers"
        case .event(.data(let id, _, let bytes, _)):
            switch random.next() % 3 {
            case 0: session.reset(id, code: .cancel, output: &output)
            case 1: session.credit(id, bytes: bytes, output: &output)
            default: session.discard(id, output: &output)
            }
            return "data"
        case .event(.streamFailed): return "stream error"
        case .event: return "other"
        }
    }
}
