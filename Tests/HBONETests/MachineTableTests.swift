@testable import HBONE
import SeededTesting
import Testing

@Suite struct MachineTableTests {
    @Test("the stream table behaves as a dictionary", arguments: UInt64(1)...8)
    func likeADictionary(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = StreamTable()
        var model: [UInt32: Int] = [:]
        // Keys that collide: multiples of the table's size.
        let spread: UInt32 = seed % 2 == 0 ? 1 : 32
        for step in 0..<20_000 {
            let id = HTTP2StreamID(UInt32.random(in: 0..<200, using: &random) * spread * 2 + 1)
            switch (table.slot(of: id), model[id.value]) {
            case (nil, nil):
                table.insert(
                    id,
                    StreamRecord(
                        phase: .open, sendWindowBytes: step, receiveWindowBytes: 0, windowTargetBytes: 0))
                model[id.value] = step
            case (let slot?, let value?):
                #expect(table[slot].sendWindowBytes == value)
                if Bool.random(using: &random) {
                    table.remove(at: slot)
                    model[id.value] = nil
                }
            default: Issue.record("seed \(seed), step \(step): table and model differ on \(id)")
            }
        }
        #expect(table.count == model.count && Set(table.streams.map(\.value)) == Set(model.keys))
    }

    @Test func resetStreamsAreForgottenOldestFirst() {
        var memory = ResetMemory(capacity: 3)
        for id in UInt32(1)...5 { memory.remember(HTTP2StreamID(id)) }
        #expect((1...5).map { memory.contains(HTTP2StreamID($0)) } == [false, false, true, true, true])
    }

    @Test func limitsThatContradictEachOtherAreNamed() {
        #expect(HTTP2Limits(role: .client).problem == nil && HTTP2Limits(role: .server).problem == nil)
        var limits = HTTP2Limits(role: .server)
        limits.connectionBufferBytesMax = limits.connectionWindowBytes - 1
        #expect(limits.problem == "connectionBufferBytesMax must be at least connectionWindowBytes")
    }
}
