package import NIOCore
import NIOHPACK

// Sending header sections of messages; their content goes by `sendData`.
extension HTTP2Session {
    /// Client: sends a request. With `endStream` it has no content. Host must not be among its fields.
    package mutating func openRequest(
        _ head: HTTP2RequestHead, endStream: Bool, output: inout ByteBuffer
    ) throws(HTTP2OpenRefusal) -> HTTP2StreamID {
        if let refusal = openRefusal { throw refusal }
        var headers = HPACKHeaders()
        headers.reserveCapacity(head.fields.count + 4)
        headers.add(name: ":method", value: head.method)
        headers.add(name: ":scheme", value: head.scheme)
        headers.add(name: ":authority", value: head.authority, indexing: indexing(head.authority))
        headers.add(name: ":path", value: head.path, indexing: .nonIndexable)
        for (name, value, _) in headers where value.isEmpty || !FieldRules.isValueLegal(value) {
            throw .headerValue(name: name)
        }
        do throws(HTTP2SendRefusal) {
            try add(head.fields, to: &headers)
        } catch {
            if case .field(let name) = error { throw .headerValue(name: name) }
            throw .connectionClosing
        }
        let listBytes = headers.listBytes
        if let listBytesMax = peer.maxHeaderListBytes, listBytes > listBytesMax {
            throw .headerListTooLarge(bytes: listBytes, bytesMax: listBytesMax)
        }
        let stream = HTTP2StreamID(nextStream)
        guard writeHeaders(stream, headers, endStream: endStream, output: &output) else { throw .connectionClosing }
        nextStream += 2
        diagnostics.streamsOpened += 1
        addStream(stream, phase: endStream ? .receiveOnly : .open, content: head.method == "HEAD" ? .none : .any)
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
        var headers = HPACKHeaders()
        headers.reserveCapacity(head.fields.count + 1)
        headers.add(name: ":status", value: String(head.status))
        try add(head.fields, to: &headers)
        guard writeHeaders(stream, headers, endStream: endStream, output: &output) else { throw .streamClosed }
        streams[slot].isAnswered = isFinal
        if endStream { endSending(slot, stream, &output) }
    }

    /// Trailers: the end of our side of the stream. All content must have been taken by `sendData` before.
    package mutating func sendTrailers(
        _ stream: HTTP2StreamID, _ fields: [HTTP2Field], output: inout ByteBuffer
    ) throws(HTTP2SendRefusal) {
        guard !hasFailed, let slot = streams.slot(of: stream), streams[slot].phase.isSendOpen,
            role == .client || streams[slot].isAnswered
        else { throw .streamClosed }
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.count)
        try add(fields, to: &headers)
        guard writeHeaders(stream, headers, endStream: true, output: &output) else { throw .streamClosed }
        endSending(slot, stream, &output)
    }

    /// A server that has answered wants no more of the request.
    private mutating func endSending(_ slot: Int, _ stream: HTTP2StreamID, _ output: inout ByteBuffer) {
        let after = streams[slot].phase.afterSentEnd
        if role == .server, after != .over { return endWithReset(slot, stream, .noError, &output) }
        setPhase(slot, stream, after)
    }

    private func add(_ fields: [HTTP2Field], to headers: inout HPACKHeaders) throws(HTTP2SendRefusal) {
        for field in fields {
            do throws(FaultFound) {
                try FieldRules.checkField(field.name, field.value)
            } catch {
                throw .field(name: String(field.name.prefix(32)))
            }
            headers.add(
                name: field.name, value: field.value,
                indexing: field.isNeverIndexed ? .neverIndexed : indexing(field))
        }
    }

    /// What differs from message to message stays out of the compression table.
    private func indexing(_ field: HTTP2Field) -> HPACKIndexing {
        switch field.name {
        case "content-length", "traceparent", "x-request-id", "grpc-timeout", "date", "etag", "last-modified":
            .nonIndexable
        default: indexing(field.value)
        }
    }
}
