internal import MeshKernel
internal import MeshModel

/// Why bytes are no message.
package enum HandoverCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    case notOurs
    case unknownVersion(UInt8)
    case unknownKind(UInt8)
    case truncated
    case surplus(bytes: Int)
    case tooLong(bytes: Int)
    case badValue(String)

    package var description: String {
        switch self {
        case .notOurs: "these bytes are no message of a hand-over"
        case .unknownVersion(let found):
            "expected version \(HandoverCodec.version) of the protocol of hand-overs, found \(found)"
        case .unknownKind(let kind): "unknown message \(kind)"
        case .truncated: "a message was cut off"
        case .surplus(let bytes): "\(bytes) bytes behind a message"
        case .tooLong(let bytes): "\(bytes) bytes, at most \(HandoverLimits.packetBytesMax) are possible"
        case .badValue(let field): "\(field) cannot be read"
        }
    }
}

/// Messages of a hand-over as bytes. Pure.
///
/// `"AH"`, version, kind, length of what follows (4 bytes), then the fields; numbers in network order, a text as its
/// length (2 bytes) and UTF-8. This head and the body of `refused` are the same in every version, so that daemons of
/// two versions can say that they do not understand each other.
package enum HandoverCodec {
    package static let version: UInt8 = 1
    private static let magic: [UInt8] = [0x41, 0x48]
    static let headBytes = 8

    /// Errors: a text that is too long for its field.
    package static func encode(_ message: HandoverMessage) throws(HandoverCodecError) -> [UInt8] {
        var body = HandoverWriter()
        switch message {
        case .hello(let greeting), .welcome(let greeting):
            try body.text(greeting.program)
            try body.text(greeting.node)
            body.number(greeting.network.device)
            body.number(greeting.network.inode)
        case .candidate(let key), .idle(let key): try body.pod(key)
        case .pod(let pod): try encode(pod, &body)
        case .socket(let socket): body.number(socket.code)
        case .refused(let reason): try body.text(Self.cut(reason))
        case .complete, .begin, .taken, .released: break
        }
        var packet = HandoverWriter()
        packet.bytes = Self.magic + [version, kind(of: message)]
        packet.number(UInt32(body.bytes.count))
        packet.bytes += body.bytes
        guard packet.bytes.count <= HandoverLimits.packetBytesMax else { throw .tooLong(bytes: packet.bytes.count) }
        return packet.bytes
    }

    /// One whole packet, and nothing behind it.
    package static func decode(_ packet: [UInt8]) throws(HandoverCodecError) -> HandoverMessage {
        guard packet.count <= HandoverLimits.packetBytesMax else { throw .tooLong(bytes: packet.count) }
        var reader = HandoverReader(packet[...])
        guard packet.count >= headBytes else {
            throw packet.starts(with: magic.prefix(packet.count)) ? .truncated : .notOurs
        }
        guard Array(packet[..<2]) == magic else { throw .notOurs }
        let (found, kind) = (packet[2], packet[3])
        reader.skip(4)
        let length = Int(try reader.number(UInt32.self))
        guard reader.left >= length else { throw .truncated }
        guard reader.left == length else { throw .surplus(bytes: reader.left - length) }
        guard found == version || kind == refusedKind else { throw .unknownVersion(found) }
        let message = try decode(kind, &reader)
        guard reader.left == 0 else { throw .surplus(bytes: reader.left) }
        return message
    }

    private static let refusedKind: UInt8 = 10

    private static func kind(of message: HandoverMessage) -> UInt8 {
        switch message {
        case .hello: 1
        case .welcome: 2
        case .candidate: 3
        case .complete: 4
        case .begin: 5
        case .pod: 6
        case .socket: 7
        case .taken: 8
        case .released: 9
        case .refused: refusedKind
        case .idle: 11
        }
    }

    private static func decode(
        _ kind: UInt8, _ reader: inout HandoverReader
    ) throws(HandoverCodecError) -> HandoverMessage {
        switch kind {
        case 1: return .hello(try greeting(&reader))
        case 2: return .welcome(try greeting(&reader))
        case 3: return .candidate(try reader.pod())
        case 4: return .complete
        case 5: return .begin
        case 6: return .pod(try pod(&reader))
        case 7:
            guard let socket = HandoverSocket(code: try reader.number()) else { throw .badValue("kind of a socket") }
            return .socket(socket)
        case 8: return .taken
        case 9: return .released
        case refusedKind: return .refused(try reader.text())
        case 11: return .idle(try reader.pod())
        default: throw .unknownKind(kind)
        }
    }

    private static func greeting(_ reader: inout HandoverReader) throws(HandoverCodecError) -> HandoverGreeting {
        HandoverGreeting(
            program: try reader.text(), node: try reader.text(),
            network: NamespaceIdentity(device: try reader.number(), inode: try reader.number()))
    }

    /// Reasons come from anywhere.
    private static func cut(_ reason: String) -> String { String(reason.prefix(900)) }
}
