internal import MeshModel
package import NIOCore
package import WaypointRoute

/// What may not be written: it would be read as something else. Nothing of the head is in the buffer then.
package enum WriteFault: Error, Hashable, Sendable {
    /// The method is no token.
    case method
    /// A control character or a space in the target.
    case target
    /// A control character or a space in the authority.
    case authority
    /// Not 100 to 999.
    case status
    /// A name that is no token, or CR, LF, NUL or another control in a value.
    case field
}

/// Writes messages of HTTP/1.1 into a buffer; pure. Where the body ends is said by its framing alone: fields of a list
/// that say it too are passed over, so no rule about fields can take one message apart into two.
package enum MessageWriter {
    /// The head of a request; `Host` is its authority and stands first.
    package static func write(
        _ head: RequestHead, framing: BodyFraming, into buffer: inout ByteBuffer
    ) throws(WriteFault) {
        let start = buffer.writerIndex
        do {
            try writeRequestLine(head, into: &buffer)
            try write(head.headers, framing: framing, keepsLength: false, into: &buffer)
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }

    /// The head of an answer. With ``BodyFraming/none`` a `Content-Length` of its fields stays: it is the length that
    /// a GET would give (RFC 9110 section 8.6).
    package static func write(
        _ head: ResponseHead, framing: BodyFraming, into buffer: inout ByteBuffer
    ) throws(WriteFault) {
        guard (100...999).contains(head.status) else { throw .status }
        let start = buffer.writerIndex
        writeStatusLine(head.status, into: &buffer)
        do {
            try write(head.headers, framing: framing, keepsLength: framing == .none, into: &buffer)
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }

    /// A piece of a body. An empty piece is none: as a chunk it would be the end.
    package static func write(_ body: ByteBuffer, framing: BodyFraming, into buffer: inout ByteBuffer) {
        guard body.readableBytes > 0 else { return }
        if framing == .chunked { writeChunkStart(count: body.readableBytes, into: &buffer) }
        buffer.writeImmutableBuffer(body)
        if framing == .chunked { writeChunkEnd(into: &buffer) }
    }

    /// What stands before the bytes of a chunk; for bodies that are not copied.
    /// - Parameter count: bytes, at least one.
    package static func writeChunkStart(count: Int, into buffer: inout ByteBuffer) {
        precondition(count > 0, "an empty chunk is the end")
        var shift = (Int.bitWidth - count.leadingZeroBitCount - 1) / 4 * 4
        while shift >= 0 {
            let digit = UInt8((count >> shift) & 15)
            buffer.writeInteger(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
            shift -= 4
        }
        writeLineEnd(into: &buffer)
    }

    /// What stands behind the bytes of a chunk.
    package static func writeChunkEnd(into buffer: inout ByteBuffer) { writeLineEnd(into: &buffer) }

    /// The end of a body. Trailers go with chunks only; otherwise there is no place for them.
    package static func writeEnd(
        _ trailers: HeaderList?, framing: BodyFraming, into buffer: inout ByteBuffer
    ) throws(WriteFault) {
        guard framing == .chunked else { return }
        let start = buffer.writerIndex
        buffer.writeStaticString("0\r\n")
        if let trailers {
            do {
                for index in 0..<trailers.count where !HeaderRules.isForbiddenTrailer(trailers.name(at: index)) {
                    try writeField(trailers, index, into: &buffer)
                }
            } catch {
                buffer.moveWriterIndex(to: start)
                throw error
            }
        }
        writeLineEnd(into: &buffer)
    }

    private static func writeRequestLine(_ head: RequestHead, into buffer: inout ByteBuffer) throws(WriteFault) {
        switch head.method {
        case .known(let method): buffer.writeString(method.rawValue)
        case .other(let bytes):
            guard !bytes.isEmpty, bytes.allSatisfy(\.isToken) else { throw .method }
            buffer.writeBytes(bytes)
        }
        guard !head.path.target.isEmpty, head.path.target.allSatisfy(isPlain) else { throw .target }
        buffer.writeInteger(UInt8(ascii: " "))
        buffer.writeBytes(head.path.target)
        guard !head.authority.bytes.isEmpty, head.authority.bytes.allSatisfy(isPlain) else { throw .authority }
        buffer.writeStaticString(" HTTP/1.1\r\nhost: ")
        buffer.writeBytes(head.authority.bytes)
        writeLineEnd(into: &buffer)
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7f }

    private static func writeStatusLine(_ status: UInt16, into buffer: inout ByteBuffer) {
        guard status != 200 else {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        buffer.writeStaticString("HTTP/1.1 ")
        writeDecimal(Int(status), into: &buffer)
        buffer.writeInteger(UInt8(ascii: " "))
        buffer.writeString(StatusText.text(status))
        writeLineEnd(into: &buffer)
    }

    private static func write(
        _ headers: HeaderList, framing: BodyFraming, keepsLength: Bool, into buffer: inout ByteBuffer
    ) throws(WriteFault) {
        for index in 0..<headers.count {
            let name = headers.name(at: index)
            switch name.count {
            case 4 where name.isEqual("host"): continue
            case 14 where !keepsLength && name.isEqual("content-length"): continue
            case 17 where name.isEqual("transfer-encoding"): continue
            default: try writeField(headers, index, into: &buffer)
            }
        }
        switch framing {
        case .none, .untilClose: break
        case .length(let count):
            buffer.writeStaticString("content-length: ")
            writeDecimal(count, into: &buffer)
            writeLineEnd(into: &buffer)
        case .chunked: buffer.writeStaticString("transfer-encoding: chunked\r\n")
        }
        writeLineEnd(into: &buffer)
    }

    private static func writeField(
        _ headers: HeaderList, _ index: Int, into buffer: inout ByteBuffer
    ) throws(WriteFault) {
        let name = headers.name(at: index)
        guard !name.isEmpty, name.allSatisfy(\.isToken), !headers.value(at: index).contains(where: \.isControl) else {
            throw .field
        }
        buffer.writeBytes(headers.line(at: index))
    }

    private static func writeLineEnd(into buffer: inout ByteBuffer) {
        buffer.writeInteger(0x0d0a as UInt16)
    }

    private static func writeDecimal(_ value: Int, into buffer: inout ByteBuffer) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            buffer.writeInteger(UInt8(value / divisor % 10) + UInt8(ascii: "0"))
            divisor /= 10
        }
    }
}
