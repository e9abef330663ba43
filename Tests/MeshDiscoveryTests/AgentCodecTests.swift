import MeshDiscovery
import MeshModel
import Testing

@Suite("Packets of Istio's node agent")
struct AgentCodecTests {
    private static func bytes(_ hex: String) -> [UInt8] {
        hex.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }

    @Test("what this end says, byte for byte")
    func own() {
        #expect(WireCodec.agentHello == Self.bytes("08 01"))
        #expect(WireCodec.agentAcknowledgement(error: "") == Self.bytes("0a 00"))
        #expect(WireCodec.agentAcknowledgement(error: "x") == Self.bytes("0a 03 0a 01 78"))
    }

    @Test("what the agent says")
    func requests() throws {
        let pod = AgentPod(uid: "a", pod: PodKey(namespace: "s", name: "n"), serviceAccount: "t")
        let add = Self.bytes("0a 0e 0a 01 61 12 09 0a 01 6e 12 01 73 1a 01 74")
        #expect(try WireCodec.agentRequest(add) == .add(pod))
        #expect(try WireCodec.agentRequest(Self.bytes("2a 03 0a 01 61")) == .keep(uid: "a"))
        #expect(try WireCodec.agentRequest(Self.bytes("12 03 12 01 61")) == .delete(uid: "a"))
        #expect(try WireCodec.agentRequest(Self.bytes("1a 00")) == .snapshotSent)
    }

    @Test("what is no request is refused", arguments: [
        "", "ff", "0a 03 0a 01 61", "12 00", "2a 00", "22 00", "0a 07 0a 01 61 12 02 0a 00",
    ])
    func refused(hex: String) {
        #expect(throws: WireRejection.self) { try WireCodec.agentRequest(Self.bytes(hex)) }
    }
}
