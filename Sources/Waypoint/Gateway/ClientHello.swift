/// Reads the server name that a TLS client asks for in its first message; pure. Nothing else of it is looked at.
/// Source: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3.
enum ClientHello {
    enum Reading: Hashable {
        /// More bytes are needed.
        case incomplete
        /// Not a first message of TLS, or a broken one.
        case none
        /// The name in lower case; `nil` when the client asks for none.
        case found(serverName: String?)
    }

    /// A first message that is longer is none.
    static let bytesMax = 16 << 10

    /// The first byte of a handshake record.
    static let firstByte: UInt8 = 22

    /// - Parameter bytes: all that has come.
    static func read(_ bytes: some Collection<UInt8>) -> Reading {
        var records = ByteReader(bytes)
        // The message may be spread over several records.
        var message: [UInt8] = []
        while true {
            if let whole = wholeMessage(message) { return serverName(whole) }
            guard message.count <= bytesMax else { return .none }
            guard let type = records.number(1) else { return .incomplete }
            guard type == firstByte else { return .none }
            guard let major = records.number(1) else { return .incomplete }
            guard major == 3 else { return .none }
            guard records.number(1) != nil, let length = records.number(2) else { return .incomplete }
            guard (1...bytesMax).contains(length) else { return .none }
            message += records.bytes(upTo: length)
            if records.isShort { return wholeMessage(message).map(serverName) ?? .incomplete }
        }
    }

    /// A handshake message of type 1 without its header, once it is all there.
    private static func wholeMessage(_ message: [UInt8]) -> ArraySlice<UInt8>? {
        guard message.count >= 4 else { return nil }
        let length = message[1..<4].reduce(0) { $0 << 8 | Int($1) }
        guard message[0] == 1, length <= bytesMax else { return [] }
        return message.count - 4 >= length ? message[4..<(4 + length)] : nil
    }

    private static func serverName(_ hello: ArraySlice<UInt8>) -> Reading {
        var reader = ByteReader(hello)
        // Version and random bytes, then session, ciphers and compression.
        guard reader.skip(34), reader.skipList(1), reader.skipList(2), reader.skipList(1) else { return .none }
        guard !reader.isAtEnd else { return .found(serverName: nil) }
        guard reader.number(2) != nil else { return .none }
        while !reader.isAtEnd {
            guard let type = reader.number(2), let length = reader.number(2) else { return .none }
            let content = reader.bytes(upTo: length)
            guard content.count == length else { return .none }
            if type == 0 { return name(content) }
        }
        return .found(serverName: nil)
    }

    private static func name(_ list: [UInt8]) -> Reading {
        var reader = ByteReader(list)
        guard reader.number(2) != nil, reader.number(1) == 0, let length = reader.number(2) else { return .none }
        let name = reader.bytes(upTo: length)
        let isName = name.count == length && (1...255).contains(length)
            && name.allSatisfy { (0x21...0x7e).contains($0) }
        return isName ? .found(serverName: String(decoding: name, as: UTF8.self).lowercased()) : .none
    }
}

/// Takes bytes from the front of others.
private struct ByteReader<Bytes: Collection<UInt8>> {
    private var rest: Bytes.SubSequence
    /// Fewer bytes were there than were asked for.
    private(set) var isShort = false

    init(_ bytes: Bytes) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// Of so many bytes, the highest first.
    mutating func number(_ count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func bytes(upTo count: Int) -> [UInt8] {
        let bytes = Array(rest.prefix(count))
        isShort = bytes.count < count
        rest = rest.dropFirst(count)
        return bytes
    }

    mutating func skip(_ count: Int) -> Bool { bytes(upTo: count).count == count }

    /// Something with its length in front.
    mutating func skipList(_ lengthBytes: Int) -> Bool { number(lengthBytes).map { skip($0) } ?? false }
}
