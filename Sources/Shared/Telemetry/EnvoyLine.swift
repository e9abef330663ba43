internal import MeshModel

/// Envoy's default format as Istio has it, without upstream's and caller's own words left raw: they cannot end a field
/// or a line. Behind it stands `key=value` for what only we say. It is written straight from the record: a line made of
/// texts took 16 % of the waypoint's time.
extension RequestRecord {
    func writeEnvoyLine(to line: inout [UInt8]) {
        line.append(text: "[")
        line.append(rfc3339Milliseconds: startMicroseconds)
        line.append(text: "] \"")
        line.append(escaped: method, escapesSpaces: true)
        line.append(text: " ")
        line.append(escaped: path, escapesSpaces: true)
        line.append(text: " ")
        line.append(escaped: protocolName, escapesSpaces: true)
        line.append(text: "\" ")
        line.append(field: status)
        line.append(plain: flag)
        line.append(plain: details)
        line.append(plain: terminationDetails)
        line.append(quotedField: transportFailure)
        line.append(field: bytesReceived)
        line.append(field: bytesSent)
        line.append(field: durationMilliseconds)
        line.append(field: upstreamMilliseconds)
        line.append(quotedField: forwardedFor)
        line.append(quotedField: userAgent)
        line.append(quotedField: requestID)
        line.append(quotedField: authority)
        writeUpstream(to: &line)
        line.append(field: dialled)
        line.append(field: client)
        // The server's name in a handshake: there is none.
        line.append(text: "- ")
        writeRoute(to: &line)
        writeOwnWords(to: &line)
        line.append(UInt8(ascii: "\n"))
    }

    private func writeUpstream(to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        if let upstream { line.append(upstream) } else { line.append(UInt8(ascii: "-")) }
        line.append(text: "\" ")
        if let cluster {
            line.append(text: cluster.prefix)
            line.append(decimal: Int(cluster.port))
            line.append(text: cluster.suffix)
            line.append(plain: cluster.host)
        } else {
            line.append(text: "- ")
        }
        // The address of our end of a tunnel is one inside Envoy; here there is none.
        line.append(text: "- ")
    }

    private func writeRoute(to line: inout [UInt8]) {
        guard let route else { return line.append(UInt8(ascii: "-")) }
        line.append(harmless: route.namespace)
        line.append(UInt8(ascii: "/"))
        line.append(harmless: route.name)
        line.append(UInt8(ascii: "."))
        line.append(decimal: route.ruleIndex)
    }

    /// Only what there is to tell.
    private func writeOwnWords(to line: inout [UInt8]) {
        line.append(text: " src.identity=")
        line.append(identity)
        line.append(" grpc_status=", bare: grpcStatus)
        line.append(" denial=", bare: denial)
        if !findings.isEmpty { line.append(" policy_findings=", bare: findings.joined(separator: "; ")) }
        if attempts > 1 {
            line.append(text: " attempts=")
            line.append(decimal: attempts)
        }
        if let trace { line.append(" trace_id=", bare: trace.traceID.description) }
    }
}

/// Values of peers in Envoy's line: what they hold can neither end a field nor a line.
extension [UInt8] {
    /// A field without quotes, and the space behind it.
    fileprivate mutating func append(plain text: String?) {
        if let text, !text.isEmpty { append(harmless: text) } else { append(UInt8(ascii: "-")) }
        append(UInt8(ascii: " "))
    }

    fileprivate mutating func append(field number: Int?) {
        if let number { append(decimal: number) } else { append(UInt8(ascii: "-")) }
        append(UInt8(ascii: " "))
    }

    fileprivate mutating func append(field address: TransportAddress?) {
        if let address { append(address) } else { append(UInt8(ascii: "-")) }
        append(UInt8(ascii: " "))
    }

    /// White space, quotes and control characters become underscores.
    fileprivate mutating func append(harmless text: String) {
        let isClean = text.isCleanWithin(TelemetryLimits.logValueBytesMax) { $0 > 0x20 && $0 != 0x7f && $0 != quote }
        if isClean { return append(text: text) }
        for byte in text.utf8.prefix(TelemetryLimits.logValueBytesMax) {
            append(byte <= 0x20 || byte == 0x7f || byte == quote ? UInt8(ascii: "_") : byte)
        }
    }

    /// A field in quotes, and the space behind it.
    fileprivate mutating func append(quotedField text: String?) {
        append(quote)
        append(escaped: text, escapesSpaces: false)
        append(text: "\" ")
    }

    /// Text between quotes: what could end them or the line is written `\xHH`.
    fileprivate mutating func append(escaped text: String?, escapesSpaces: Bool) {
        guard let text, !text.isEmpty else { return append(UInt8(ascii: "-")) }
        let least: UInt8 = escapesSpaces ? 0x21 : 0x20
        let isClean = text.isCleanWithin(TelemetryLimits.logValueBytesMax) {
            $0 >= least && $0 != 0x7f && $0 != quote && $0 != UInt8(ascii: "\\")
        }
        if isClean { return append(text: text) }
        for byte in text.utf8.prefix(TelemetryLimits.logValueBytesMax) {
            switch byte {
            case 0..<least, 0x7f, quote, UInt8(ascii: "\\"): append(hexEscaped: byte)
            default: append(byte)
            }
        }
    }

    private mutating func append(hexEscaped byte: UInt8) {
        append(text: "\\x")
        append(hexDigit: byte >> 4)
        append(hexDigit: byte & 15)
    }

    /// `name` holds the equals sign; nothing without a value.
    fileprivate mutating func append(_ name: String, bare value: String?) {
        guard let value else { return }
        append(text: name)
        append(bare: value)
    }

    /// As `append(rfc3339:)`, with milliseconds, as Envoy writes times.
    mutating func append(rfc3339Milliseconds microseconds: Int64) {
        append(rfc3339: microseconds)
        removeLast(4)
        append(UInt8(ascii: "Z"))
    }
}

private let quote = UInt8(ascii: "\"")

extension String {
    /// Not longer than that, and every byte as it may be.
    @inline(__always)
    fileprivate func isCleanWithin(_ bytesMax: Int, _ mayBe: (UInt8) -> Bool) -> Bool {
        let bytes = utf8.span
        guard bytes.count <= bytesMax else { return false }
        for index in bytes.indices where !mayBe(bytes[index]) { return false }
        return true
    }
}
