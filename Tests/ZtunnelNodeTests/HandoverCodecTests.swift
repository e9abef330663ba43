import MeshKernel
import MeshModel
import SeededTesting
import Testing
import ZtunnelTunnel

@testable import ZtunnelNode

@Suite("Messages of a hand-over")
struct HandoverCodecTests {
    private static let web = PodKey(namespace: "shop", name: "web")

    private static var messages: [HandoverMessage] {
        let greeting = HandoverGreeting(
            program: "0.1.0", node: "node1", network: NamespaceIdentity(device: 4, inode: .max))
        var proven = PodStanding()
        (proven.rules, proven.isProven, proven.mayHaveRules) = (CaptureRules(captureInbound: false), true, true)
        proven.isOwned = true
        let sandbox = PodSandbox(pod: web, uid: "u-1", container: "c1")
        let pods = [
            HandoverPod(key: web, path: "/run/netns/a", sandbox: sandbox, standing: proven, isLeaving: true),
            HandoverPod(key: web, path: "", sandbox: nil, standing: PodStanding(), isLeaving: false),
        ]
        let sockets: [HandoverSocket] =
            [.owner, .probes, .control, .handover] + PodDoor.allCases.map { .door($0) }
        return [.hello(greeting), .welcome(greeting), .candidate(web), .complete, .begin, .taken, .released]
            + [.refused("why: ä"), .idle(web)] + pods.map { .pod($0) } + sockets.map { .socket($0) }
    }

    @Test("each comes back as it was", arguments: messages)
    func roundTrip(message: HandoverMessage) throws {
        #expect(try HandoverCodec.decode(HandoverCodec.encode(message)) == message)
    }

    @Test("no part of a message is a message, and nothing may follow it", arguments: messages)
    func truncated(message: HandoverMessage) throws {
        let bytes = try HandoverCodec.encode(message)
        for count in bytes.indices {
            #expect(throws: HandoverCodecError.self) { try HandoverCodec.decode(Array(bytes[..<count])) }
        }
        #expect(throws: HandoverCodecError.surplus(bytes: 1)) { try HandoverCodec.decode(bytes + [0]) }
    }

    @Test("another version is told as such, except for a refusal, which every version reads")
    func versions() throws {
        for message in Self.messages {
            var bytes = try HandoverCodec.encode(message)
            bytes[2] = 9
            if case .refused = message {
                #expect(try HandoverCodec.decode(bytes) == message)
            } else {
                #expect(throws: HandoverCodecError.unknownVersion(9)) { try HandoverCodec.decode(bytes) }
            }
        }
    }

    @Test("what is none is refused", arguments: [
        ([], HandoverCodecError.truncated), (Array("GET / HTTP".utf8), .notOurs),
        ([0x41, 0x48, 1, 99, 0, 0, 0, 0], .unknownKind(99)),
        ([0x41, 0x48, 1, 7, 0, 0, 0, 1, 0], .badValue("kind of a socket")),
        ([0x41, 0x48, 1, 3, 0, 0, 0, 3, 0, 1, 0xff], .badValue("a text")),
        ([0x41, 0x48, 1, 3, 0, 0, 0, 3, 0, 1, 0x61], .badValue("the name of a pod")),
        ([0x41, 0x48, 1, 3, 0, 0, 0, 2, 0xff, 0xff], .tooLong(bytes: 65_535)),
        ([0x41, 0x48, 1, 4, 0xff, 0xff, 0xff, 0xff], .truncated),
        ([UInt8](repeating: 0x41, count: HandoverLimits.packetBytesMax + 1), .tooLong(bytes: 8_193)),
    ])
    func malformed(bytes: [UInt8], error: HandoverCodecError) {
        #expect(throws: error) { try HandoverCodec.decode(bytes) }
    }

    @Test("a text that is too long is not sent; a reason is cut")
    func longTexts() throws {
        let long = String(repeating: "x", count: 5_000)
        let pod = HandoverPod(key: Self.web, path: long, sandbox: nil, standing: PodStanding(), isLeaving: false)
        #expect(throws: HandoverCodecError.tooLong(bytes: 5_000)) { try HandoverCodec.encode(.pod(pod)) }
        #expect(try HandoverCodec.decode(HandoverCodec.encode(.refused(long))) == .refused(String(long.prefix(900))))
    }

    @Test("changed bytes are refused, or are another message that is written as they are", arguments: 0..<2_000)
    func changed(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let message = try #require(Self.messages.randomElement(using: &generator))
        var bytes = try HandoverCodec.encode(message)
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        guard let read = try? HandoverCodec.decode(bytes) else { return }
        if case .refused = read { return }
        #expect(try HandoverCodec.encode(read) == bytes)
    }
}
