import MeshModel
package import NIOCore

// Receiving header sections of messages.
extension HTTP2Session {
    /// As `nextEvent`, for a session whose purpose is messages.
    package mutating func nextMessageEvent(
        from input: inout ByteBuffer, now: NIODeadline, output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> HTTP2MessageEvent? {
        switch try nextStep(from: &input, now: now, output: &output) {
        case .section(let event): event
        case .event(let event): .event(event)
        case .needsMore, .done: nil
        }
    }

    mutating func takeMessageRequest(
        _ block: HeaderBlock, _ section: FieldSection, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        let listBytes = section.listBytes
        guard listBytes <= limits.headerListBytesMax else {
            let reason = HTTP2RefusedRequest.headerListTooLarge(bytes: listBytes, bytesMax: limits.headerListBytesMax)
            return takeOn(block, .any, .refused(reason))
        }
        do throws(FaultFound) {
            let message = try MessageSection(section.lines, .request)
            guard let head = try HTTP2RequestHead(message) else { return takeOn(block, .any, .refused(.connect)) }
            if block.endStream, let length = message.contentLength, length > 0 {
                throw FaultFound(.contentLength("\(length)"))
            }
            return takeOn(block, message.contentLength.map(StreamRecord.Content.left) ?? .any, .request(head))
        } catch {
            diagnostics.streamErrors += 1
            return try refuse(block.stream, .protocolError, now, &output)
        }
    }

    private mutating func takeOn(
        _ block: HeaderBlock, _ content: StreamRecord.Content, _ section: HTTP2Section
    ) -> Step {
        diagnostics.streamsOpened += 1
        addStream(block.stream, phase: block.endStream ? .sendOnly : .open, content: content)
        return .section(.section(block.stream, section, endStream: block.endStream))
    }

    /// Trailers, or what a server answered.
    mutating func takeSection(
        _ block: HeaderBlock, _ slot: Int, _ fields: FieldSection, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        let section: HTTP2Section
        do throws(FaultFound) {
            section = try judge(block, slot, fields.lines)
        } catch {
            return try failStream(block.stream, .malformedHeaders(error.fault), now, &output)
        }
        switch section {
        case .interim: try floods.count(.interim, limits: limits, now: now)
        case .response: streams[slot].isAnswered = true
        case .trailers, .request, .refused: break
        }
        if block.endStream { setPhase(slot, block.stream, streams[slot].phase.afterReceivedEnd) }
        return .section(.section(block.stream, section, endStream: block.endStream))
    }

    private mutating func judge(
        _ block: HeaderBlock, _ slot: Int, _ lines: HeaderLines
    ) throws(FaultFound) -> HTTP2Section {
        if role == .server || streams[slot].isAnswered {
            guard block.endStream else { throw FaultFound(.trailersWithoutEnd) }
            let trailers = try MessageSection(lines, .trailers).fields
            if case .left(let bytes) = streams[slot].content, bytes > 0 { throw FaultFound(.contentIncomplete(bytes)) }
            return .trailers(trailers)
        }
        let section = try MessageSection(lines, .response)
        let head = try HTTP2ResponseHead(section)
        guard head.status >= 200 else {
            guard !block.endStream else { throw FaultFound(.interimEndsStream) }
            return .interim(head)
        }
        // Answers to HEAD, and these two, have no content whatever they announce. Source: RFC 9110 section 6.4.1.
        if streams[slot].content == .none || head.status == 204 || head.status == 304 {
            streams[slot].content = .left(0)
        } else if let length = section.contentLength {
            guard !block.endStream || length == 0 else { throw FaultFound(.contentLength("\(length)")) }
            streams[slot].content = .left(length)
        }
        return .response(head)
    }

    /// Counts DATA against the length that was announced. Source: RFC 9113 section 8.1.1.
    mutating func countContent(_ slot: Int, _ payloadBytes: Int, endStream: Bool) -> HTTP2StreamError? {
        guard case .left(let bytes) = streams[slot].content else { return nil }
        guard payloadBytes <= bytes else { return .malformedHeaders(.contentExceeded(payloadBytes - bytes)) }
        guard !endStream || payloadBytes == bytes else {
            return .malformedHeaders(.contentIncomplete(bytes - payloadBytes))
        }
        streams[slot].content = .left(bytes - payloadBytes)
        return nil
    }
}
