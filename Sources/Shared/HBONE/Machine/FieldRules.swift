import MeshModel

/// Carries a fault up; who judges a section turns it into a case of its own.
struct FaultFound: Error {
    var fault: HTTP2StreamError.HeaderFault

    init(_ fault: HTTP2StreamError.HeaderFault) { self.fault = fault }
}

/// What any field must look like, and what compression does with it. Source: RFC 9113 sections 8.2.1 and 8.2.2.
enum FieldRules {
    static func checkField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(FaultFound) {
        guard isNameLegal(name) else { throw FaultFound(.name(name.text)) }
        try checkValue(name, value)
        guard !isConnectionSpecific(name) else { throw FaultFound(.connectionSpecific(name.text)) }
        if name.count == 2, name.isEqual("te"), !value.isEqual("trailers") {
            throw FaultFound(.connectionSpecific(name.text))
        }
    }

    static func checkValue(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(FaultFound) {
        guard isValueLegal(value) else { throw FaultFound(.value(name: name.text)) }
    }

    /// Visible ASCII without capitals and without a colon.
    private static func isNameLegal(_ name: Span<UInt8>) -> Bool {
        for place in name.indices {
            let byte = name[place]
            let isCapital = byte >= 0x41 && byte <= 0x5a
            guard byte > 0x20, byte < 0x7f, !isCapital, byte != UInt8(ascii: ":") else { return false }
        }
        return name.count > 0
    }

    /// No NUL, CR or LF; no space or tab at either end.
    static func isValueLegal(_ value: Span<UInt8>) -> Bool {
        guard value.count > 0 else { return true }
        let (first, last) = (value[0], value[value.count - 1])
        guard first != 0x20, first != 0x09, last != 0x20, last != 0x09 else { return false }
        for place in value.indices {
            let byte = value[place]
            // Most are above all three.
            guard byte < 0x0e else { continue }
            guard byte != 0x00, byte != 0x0a, byte != 0x0d else { return false }
        }
        return true
    }

    private static func isConnectionSpecific(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 7: name.isEqual("upgrade")
        case 10: name.isEqual("connection") || name.isEqual("keep-alive")
        case 16: name.isEqual("proxy-connection")
        case 17: name.isEqual("transfer-encoding")
        default: false
        }
    }

    /// What proves who somebody is enters no table; what differs from message to message, or would push everything else
    /// out of it, stays outside. Source: RFC 7541 section 7.1.
    /// - Parameter valueBytesMax: the largest value that a table is to have, bytes.
    static func indexing(
        _ name: Span<UInt8>, valueBytes: Int, valueBytesMax: Int
    ) -> FieldBlockEncoder.Indexing {
        let isSingular: Bool
        switch name.count {
        case 4: isSingular = name.isEqual("date") || name.isEqual("etag")
        case 5: isSingular = name.isEqual(":path")
        case 6:
            guard !name.isEqual("cookie") else { return .never }
            isSingular = false
        case 10:
            guard !name.isEqual("set-cookie") else { return .never }
            isSingular = false
        case 9: isSingular = name.isEqual("forwarded")
        case 11: isSingular = name.isEqual("traceparent")
        case 12: isSingular = name.isEqual("x-request-id") || name.isEqual("grpc-timeout")
        case 13:
            guard !name.isEqual("authorization") else { return .never }
            isSingular = name.isEqual("last-modified")
        case 14: isSingular = name.isEqual("content-length")
        case 19:
            guard !name.isEqual("proxy-authorization") else { return .never }
            isSingular = false
        default: isSingular = false
        }
        return isSingular || valueBytes > valueBytesMax ? .without : .incremental
    }
}

extension Span<UInt8> {
    /// The first bytes, for a log line.
    var text: String {
        var bytes: [UInt8] = []
        for place in 0..<Swift.min(count, 32) { bytes.append(self[place]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
