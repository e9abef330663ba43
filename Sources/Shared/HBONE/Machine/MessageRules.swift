import MeshModel

extension HTTP2RequestHead {
    /// `nil`: CONNECT, well-formed.
    init?(_ section: MessageSection) throws(FaultFound) {
        let bytes = section.fields.bytes
        guard let method = section.method else { throw FaultFound(.pseudoMissing(":method")) }
        guard MessageRules.isToken(bytes.span.extracting(method)) else { throw FaultFound(.target(":method")) }
        if bytes.span.extracting(method).isEqual("CONNECT") {
            guard section.scheme == nil else { throw FaultFound(.pseudoForbidden(":scheme")) }
            guard section.path == nil else { throw FaultFound(.pseudoForbidden(":path")) }
            return nil
        }
        guard let scheme = section.scheme else { throw FaultFound(.pseudoMissing(":scheme")) }
        guard MessageRules.isScheme(bytes.span.extracting(scheme)) else { throw FaultFound(.target(":scheme")) }
        guard let path = section.path else { throw FaultFound(.pseudoMissing(":path")) }
        guard MessageRules.isPath(bytes.span.extracting(path), method: bytes.span.extracting(method)) else {
            throw FaultFound(.target(":path"))
        }
        guard let authority = section.authority ?? section.host else {
            throw FaultFound(.pseudoMissing(":authority"))
        }
        guard MessageRules.isAuthority(bytes.span.extracting(authority)) else {
            throw FaultFound(.target(":authority"))
        }
        if let host = section.host, host != authority,
            !MessageRules.isSame(bytes.span.extracting(host), bytes.span.extracting(authority))
        {
            throw FaultFound(.hostDiffers)
        }
        self.init(
            method: bytes[method], scheme: bytes[scheme], authority: bytes[authority], path: bytes[path],
            fields: section.fields)
    }
}

extension HTTP2ResponseHead {
    init(_ section: MessageSection) throws(FaultFound) {
        guard let status = section.status else { throw FaultFound(.pseudoMissing(":status")) }
        let text = section.fields.bytes[status]
        guard let status = MessageRules.status(text.span) else { throw FaultFound(.status(text.span.text)) }
        // Neither may announce content. Source: RFC 9110 section 8.6.
        if let length = section.contentLength, status < 200 || (status == 204 && length > 0) {
            throw FaultFound(.contentLength("\(length)"))
        }
        self.init(status: status, fields: section.fields)
    }
}

/// What the parts of a request's target must look like. Source: RFC 9113 section 8.3.1, RFC 3986 sections 3.1 and 3.3.
enum MessageRules {
    static func isToken(_ text: Span<UInt8>) -> Bool {
        for place in text.indices {
            let byte = text[place]
            // One bit for each byte of RFC 9110 section 5.6.2.
            let bits: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : byte < 128 ? 0x57ff_ffff_c7ff_fffe : 0
            guard (bits >> UInt64(byte & 63)) & 1 == 1 else { return false }
        }
        return text.count > 0
    }

    static func isScheme(_ text: Span<UInt8>) -> Bool {
        for place in text.indices {
            let byte = text[place]
            let isLetter = (0x41...0x5a).contains(byte & 0xdf)
            let isOther = (0x30...0x39).contains(byte) || byte == 0x2b || byte == 0x2d || byte == 0x2e
            guard isLetter || (isOther && place > 0) else { return false }
        }
        return text.count > 0
    }

    /// No user information. Source: RFC 9113 section 8.3.1.
    static func isAuthority(_ text: Span<UInt8>) -> Bool {
        for place in text.indices {
            switch text[place] {
            case UInt8(ascii: "@"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"):
                return false
            case 0x21...0x7e: continue
            default: return false
            }
        }
        return text.count > 0
    }

    static func isPath(_ text: Span<UInt8>, method: Span<UInt8>) -> Bool {
        if text.count == 1, text[0] == UInt8(ascii: "*") { return method.isEqual("OPTIONS") }
        guard text.count > 0, text[0] == UInt8(ascii: "/") else { return false }
        for place in text.indices {
            let byte = text[place]
            guard byte > 0x20, byte != 0x7f, byte != UInt8(ascii: "#") else { return false }
        }
        return true
    }

    /// Three digits, 100 to 599, never 101.
    static func status(_ text: Span<UInt8>) -> Int? {
        guard text.count == 3 else { return nil }
        var status = 0
        for place in text.indices {
            guard (0x30...0x39).contains(text[place]) else { return nil }
            status = status * 10 + Int(text[place] - 0x30)
        }
        return (100...599).contains(status) && status != 101 ? status : nil
    }

    /// Names of hosts differ by letters, not by their case.
    static func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for place in left.indices where lowercased(left[place]) != lowercased(right[place]) { return false }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
