internal import MeshKernel
internal import MeshModel

extension HandoverCodec {
    static func encode(_ pod: HandoverPod, _ body: inout HandoverWriter) throws(HandoverCodecError) {
        try body.pod(pod.key)
        try body.text(pod.path)
        body.flag(pod.sandbox != nil)
        if let sandbox = pod.sandbox {
            try body.text(sandbox.uid)
            try body.text(sandbox.container)
        }
        body.flag(pod.isLeaving)
        body.flag(pod.standing.isProven)
        body.flag(pod.standing.mayHaveRules)
        body.flag(pod.standing.hasDrained)
        body.flag(pod.standing.isOwned)
        body.flag(pod.standing.rules != nil)
        guard let rules = pod.standing.rules else { return }
        body.flag(rules.captureInbound)
        body.flag(rules.ipv6)
    }

    static func pod(_ reader: inout HandoverReader) throws(HandoverCodecError) -> HandoverPod {
        let key = try reader.pod()
        let path = try reader.text()
        var sandbox: PodSandbox?
        if try reader.flag() { sandbox = PodSandbox(pod: key, uid: try reader.text(), container: try reader.text()) }
        let isLeaving = try reader.flag()
        var standing = PodStanding()
        standing.isProven = try reader.flag()
        standing.mayHaveRules = try reader.flag()
        standing.hasDrained = try reader.flag()
        standing.isOwned = try reader.flag()
        if try reader.flag() {
            var rules = CaptureRules()
            rules.captureInbound = try reader.flag()
            rules.ipv6 = try reader.flag()
            standing.rules = rules
        }
        guard standing.rules != nil || !standing.isProven else { throw .badValue("a pod that is proven without rules") }
        return HandoverPod(key: key, path: path, sandbox: sandbox, standing: standing, isLeaving: isLeaving)
    }
}

/// Fields, one behind the other.
struct HandoverWriter {
    var bytes: [UInt8] = []

    mutating func number(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func text(_ value: String) throws(HandoverCodecError) {
        let utf8 = Array(value.utf8)
        guard utf8.count <= HandoverLimits.textBytesMax else { throw .tooLong(bytes: utf8.count) }
        number(UInt16(utf8.count))
        bytes += utf8
    }

    mutating func pod(_ key: PodKey) throws(HandoverCodecError) { try text(key.description) }
}

/// The other way round; never reads behind the end.
struct HandoverReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var left: Int { rest.count }

    mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(HandoverCodecError) -> Number {
        let count = Number.bitWidth / 8
        guard rest.count >= count else { throw .truncated }
        let value = rest.prefix(count).reduce(Number(0)) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        skip(count)
        return value
    }

    mutating func flag() throws(HandoverCodecError) -> Bool {
        switch try number(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .badValue("a flag")
        }
    }

    mutating func text() throws(HandoverCodecError) -> String {
        let count = Int(try number(UInt16.self))
        guard count <= HandoverLimits.textBytesMax else { throw .tooLong(bytes: count) }
        guard rest.count >= count else { throw .truncated }
        guard let text = String(validating: rest.prefix(count), as: UTF8.self) else { throw .badValue("a text") }
        skip(count)
        return text
    }

    mutating func pod() throws(HandoverCodecError) -> PodKey {
        guard let key = PodKey(try text()) else { throw .badValue("the name of a pod") }
        return key
    }
}
