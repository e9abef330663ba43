package import MeshModel
package import NIOCore

// Sending header sections of messages; their content goes by `sendData`.
extension HTTP2Session {
    /// Client: sends a request. With `endStream` it has no content. Host must not be among its fields.
    package mutating func openRequest(
        _ head: HTTP2RequestHead, endStream: Bool, output: inout ByteBuffer
    ) throws(HTTP2OpenRefusal) -> HTTP2StreamID {
        if let refusal = openRefusal { throw refusal }
        var listBytes = try Self.checked(PseudoHeader.method, head.method)
        listBytes += try Self.checked(PseudoHeader.scheme, head.scheme)
        listBytes += try Self.checked(PseudoHeader.authority, head.authority)
        listBytes += try Self.checked(PseudoHeader.path, head.path)
        do throws(FieldRefused) {
            listBytes += try Self.checked(head.fields)
        } catch {
            throw .headerValue(name: error.name)
        }
        if let listBytesMax = peer.maxHeaderListBytes, listBytes > listBytesMax {
            throw .headerListTooLarge(bytes: listBytes, bytesMax: listBytesMax)
        }
        let stream = HTTP2StreamID(nextStream)
        encoder.begin()
        encode(PseudoHeader.method, head.method)
        encode(PseudoHeader.scheme, head.scheme)
        encode(PseudoHeader.authority, head.authority)
        encode(PseudoHeader.path, head.path)
        encode(head.fields)
        writeHeaders(stream, endStream: endStream, output: &output)
        nextStream += 2
        diagnostics.streamsOpened += 1
        let isToHead = head.method.span.isEqual("HEAD")
        addStream(stream, phase: endStream ? .receiveOnly : .open, content: isToHead ? .none : .any)
        return stream
    }

    /// Server: an answer. 1xx may stand before the final one, which stands once; 101 does not exist in HTTP/2.
    /// With `endStream` it has no content; what the peer still sends of its request is then not wanted, and a reset
    /// without error says so. Source: RFC 9113 section 8.1.
    package mutating func sendResponse(
        _ stream: HTTP2StreamID, _ head: HTTP2ResponseHead, endStream: Bool, output: inout ByteBuffer
    ) throws(HTTP2SendRefusal) {
        guard role == .server, !hasFailed, let slot = streams.slot(of: stream), streams[slot].phase.isSendOpen,
            !streams[slot].isAnswered
        else { throw .streamClosed }
        let isFinal = head.status >= 200
        guard (100...599).contains(head.status), head.status != 101, isFinal || !endStream else {
            throw .field(name: ":status")
        }
        try check(head.fields)
        encoder.begin()
        encode(PseudoHeader.status, PseudoHeader.digits(ofStatus: head.status))
        encode(head.fields)
        writeHeaders(stream, endStream: endStream, output: &output)
        streams[slot].isAnswered = isFinal
        if endStream { endSending(slot, stream, &output) }
    }

    /// Trailers: the end of our side of the stream. All content must have been taken by `sendData` before.
    package mutating func sendTrailers(
        _ stream: HTTP2StreamID, _ fields: HeaderLines, output: inout ByteBuffer
    ) throws(HTTP2SendRefusal) {
        guard !hasFailed, let slot = streams.slot(of: stream), streams[slot].phase.isSendOpen,
            role == .client || streams[slot].isAnswered
        else { throw .streamClosed }
        try check(fields)
        encoder.begin()
        encode(fields)
        writeHeaders(stream, endStream: true, output: &output)
        endSending(slot, stream, &output)
    }

    /// A server that has answered wants no more of the request.
    private mutating func endSending(_ slot: Int, _ stream: HTTP2StreamID, _ output: inout ByteBuffer) {
        let after = streams[slot].phase.afterSentEnd
        if role == .server, after != .over { return endWithReset(slot, stream, .noError, &output) }
        setPhase(slot, stream, after)
    }

    private static func checked(
        _ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>
    ) throws(HTTP2OpenRefusal) -> Int {
        guard !value.isEmpty, FieldRules.isValueLegal(value.span) else { throw .headerValue(name: name.span.text) }
        return name.count + value.count + 32
    }

    private struct FieldRefused: Error {
        let name: String
    }

    private func check(_ fields: HeaderLines) throws(HTTP2SendRefusal) {
        do throws(FieldRefused) {
            _ = try Self.checked(fields)
        } catch {
            throw .field(name: error.name)
        }
    }

    /// All of them, before the first is encoded: the tables of both ends must agree.
    /// - Returns: their size by which header lists are limited.
    private static func checked(_ fields: HeaderLines) throws(FieldRefused) -> Int {
        var listBytes = 0
        for place in fields.places {
            let name = fields.bytes.span.extracting(place.name)
            let value = fields.bytes.span.extracting(place.value)
            do throws(FaultFound) {
                try FieldRules.checkField(name, value)
            } catch {
                throw FieldRefused(name: name.text)
            }
            listBytes += name.count + value.count + 32
        }
        return listBytes
    }

    private mutating func encode(_ fields: HeaderLines) {
        for place in fields.places {
            encode(fields.bytes[place.name], fields.bytes[place.value], isNeverIndexed: place.isNeverIndexed)
        }
    }
}

/// Names of pseudo-header fields, and values, as they are encoded.
enum PseudoHeader {
    static let method = Array(":method".utf8)[...]
    static let scheme = Array(":scheme".utf8)[...]
    static let authority = Array(":authority".utf8)[...]
    static let path = Array(":path".utf8)[...]
    static let status = Array(":status".utf8)[...]

    /// - Parameter status: 100 to 599.
    static func digits(ofStatus status: Int) -> ArraySlice<UInt8> {
        if status == 200 { return ok }
        return [status / 100, status / 10 % 10, status % 10].map { UInt8(0x30 + $0) }[...]
    }

    private static let ok = Array("200".utf8)[...]
}
