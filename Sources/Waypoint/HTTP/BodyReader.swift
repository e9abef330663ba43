internal import NIOCore
internal import WaypointRoute

/// How the end of a body is found. Source: RFC 9112 section 6.3.
package enum BodyFraming: Hashable, Sendable {
    /// No body, and no word about one.
    case none
    /// Bytes.
    case length(Int)
    case chunked
    /// Until the connection ends: answers only.
    case untilClose
}

/// Reads one body. Its pieces are slices of what came; sizes of chunks and their extensions are read and dropped.
struct BodyReader {
    enum Piece: Hashable {
        case bytes(ByteBuffer)
        /// Also after bodies of other framings, without trailers.
        case end(HeaderList?)
    }

    private enum State: Hashable {
        /// - Parameter remaining: bytes.
        case bytes(remaining: Int)
        case untilClose
        case chunkSize(Int, digits: Int)
        case chunkExtension(size: Int)
        /// CR was read.
        case chunkSizeEnd(size: Int)
        case chunk(remaining: Int)
        case chunkEnd
        case trailers
        case over
    }

    private var state: State
    private var extensionBytes = 0
    private var scanner = HeadScanner(startLines: 0)
    private let limits: HTTPLimits

    init(_ framing: BodyFraming, limits: HTTPLimits) {
        self.limits = limits
        state =
            switch framing {
            case .none: .bytes(remaining: 0)
            case .length(let count): .bytes(remaining: count)
            case .chunked: .chunkSize(0, digits: 0)
            case .untilClose: .untilClose
            }
    }

    /// The connection's end is the body's.
    var endsWithConnection: Bool { state == .untilClose }

    /// `nil`: more bytes are needed, or the end was given.
    mutating func next(from buffer: inout ByteBuffer) throws(HTTPFault) -> Piece? {
        while true {
            switch state {
            case .bytes(remaining: 0):
                state = .over
                return .end(nil)
            case .bytes(let remaining):
                guard let slice = Self.slice(of: &buffer, countMax: remaining) else { return nil }
                state = .bytes(remaining: remaining - slice.readableBytes)
                return .bytes(slice)
            case .untilClose:
                return Self.slice(of: &buffer, countMax: .max).map { .bytes($0) }
            case .chunk(let remaining) where remaining > 0:
                guard let slice = Self.slice(of: &buffer, countMax: remaining) else { return nil }
                state = .chunk(remaining: remaining - slice.readableBytes)
                return .bytes(slice)
            case .chunk:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return nil }
                guard byte == 0x0d else { throw .chunkEnd }
                state = .chunkEnd
            case .chunkEnd:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return nil }
                guard byte == 0x0a else { throw .chunkEnd }
                state = .chunkSize(0, digits: 0)
            case .chunkSize, .chunkExtension, .chunkSizeEnd:
                guard let byte = buffer.readInteger(as: UInt8.self) else { return nil }
                state = try stateInSizeLine(after: byte)
            case .trailers:
                guard let trailers = try readTrailers(from: &buffer) else { return nil }
                state = .over
                return .end(trailers.count == 0 ? nil : trailers)
            case .over: return nil
            }
        }
    }

    /// What is there, at most so many bytes; `nil`: nothing.
    private static func slice(of buffer: inout ByteBuffer, countMax: Int) -> ByteBuffer? {
        buffer.readableBytes == 0 ? nil : buffer.readSlice(length: min(countMax, buffer.readableBytes))
    }

    /// Between a size and its extensions no white space is taken, though RFC 9112 section 7.1.1 knows "bad" white
    /// space there: readers differ in what they make of it.
    private mutating func stateInSizeLine(after byte: UInt8) throws(HTTPFault) -> State {
        switch state {
        case .chunkSize(let size, let digits):
            if let value = byte.hexadecimal {
                guard digits < limits.chunkSizeDigitsMax, size <= Int.max >> 4 else { throw .chunkSize }
                return .chunkSize(size << 4 | value, digits: digits + 1)
            }
            guard digits > 0 else { throw .chunkSize }
            if byte == 0x0d { return .chunkSizeEnd(size: size) }
            guard byte == UInt8(ascii: ";") else { throw .chunkSize }
            return .chunkExtension(size: size)
        case .chunkExtension(let size):
            if byte == 0x0d { return .chunkSizeEnd(size: size) }
            guard byte != 0x0a else { throw .bareLineFeed }
            guard !byte.isControl else { throw .controlCharacter }
            extensionBytes += 1
            guard extensionBytes <= limits.chunkExtensionBytesMax else { throw .chunkExtensions }
            return state
        case .chunkSizeEnd(let size):
            guard byte == 0x0a else { throw .bareCarriageReturn }
            return size == 0 ? .trailers : .chunk(remaining: size)
        case .bytes, .untilClose, .chunk, .chunkEnd, .trailers, .over: return state
        }
    }

    /// Those trailers that may go on; `nil`: their end has not come.
    private mutating func readTrailers(from buffer: inout ByteBuffer) throws(HTTPFault) -> HeaderList? {
        let count: Int
        do {
            let bytes = buffer.readableBytesUInt8Span
            switch try scanner.scan(bytes, bytesMax: limits.trailerBytesMax, limits: limits) {
            case .incomplete: return nil
            case .complete(let bytes): count = bytes
            }
        } catch {
            switch error {
            case .headTooLarge, .tooManyFields: throw .trailersTooLarge
            default: throw error
            }
        }
        guard let bytes = buffer.readBytes(length: count), count > 2 else { return HeaderList() }
        var parser = FieldParser(bytes, fieldCount: scanner.lineEnds.count)
        var start = 0
        for end in scanner.lineEnds {
            try parser.parseTrailer(start..<(end - 2))
            start = end
        }
        var trailers = parser.headers()
        trailers.removeAll { name in HeaderRules.isForbiddenTrailer(name) }
        return trailers
    }
}
