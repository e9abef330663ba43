import MeshModel

// What a decoded header section means. Source: RFC 9113 sections 8.2, 8.3 and 8.5.

/// A request, judged.
enum RequestVerdict {
    case request(ConnectRequest)
    case bad(HTTP2BadRequest)
    case malformed(HTTP2StreamError.HeaderFault)

    init(_ section: FieldSection, listBytesMax: Int) {
        guard section.listBytes <= listBytesMax else {
            self = .bad(.headerListTooLarge(bytes: section.listBytes, bytesMax: listBytesMax))
            return
        }
        do throws(FaultFound) {
            self = try Self.judge(section.lines)
        } catch {
            self = .malformed(error.fault)
        }
    }

    private static func judge(_ lines: HeaderLines) throws(FaultFound) -> RequestVerdict {
        var method: String?
        var authority: String?
        var hasTarget: String?
        var fields = TunnelFields()
        var isPastPseudo = false
        // A tunnel's texts are few, and made once in its life.
        for (name, value) in lines.texts {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(name)) }
                switch name {
                case ":method": try take(&method, name, value)
                case ":authority": try take(&authority, name, value)
                case ":scheme", ":path", ":protocol": try take(&hasTarget, name, name, mayRepeat: true)
                default: throw FaultFound(.pseudoUnknown(String(name.prefix(32))))
                }
                try FieldRules.checkValue(name.utf8.span, value.utf8.span)
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name.utf8.span, value.utf8.span)
                fields.take(name, value)
            }
        }
        guard let method else { throw FaultFound(.pseudoMissing(":method")) }
        guard method == "CONNECT" else { return .bad(.methodIsNotConnect(String(method.prefix(32)))) }
        if let hasTarget { throw FaultFound(.pseudoForbidden(hasTarget)) }
        guard let authority, !authority.isEmpty else { return .bad(.authorityMissing) }
        guard authority.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), HostPort(authority) != nil else {
            return .bad(.authorityInvalid(String(authority.prefix(256))))
        }
        return .request(
            ConnectRequest(
                authority: authority, baggage: fields.baggage, forwarded: fields.forwarded,
                traceparent: fields.traceparent, forwardedNetwork: fields.forwardedNetwork))
    }

    private static func take(
        _ field: inout String?, _ name: String, _ value: String, mayRepeat: Bool = false
    ) throws(FaultFound) {
        guard field == nil || mayRepeat else { throw FaultFound(.pseudoRepeated(name)) }
        field = value
    }
}

/// A response, judged.
enum ResponseVerdict {
    case response(ConnectResponse)
    /// 1xx: another one follows.
    case interim
    case malformed(HTTP2StreamError.HeaderFault)

    init(_ section: FieldSection, endStream: Bool) {
        do throws(FaultFound) {
            self = try Self.judge(section.lines, endStream: endStream)
        } catch {
            self = .malformed(error.fault)
        }
    }

    private static func judge(_ lines: HeaderLines, endStream: Bool) throws(FaultFound) -> ResponseVerdict {
        var statusText: String?
        var fields = TunnelFields()
        var isPastPseudo = false
        for (name, value) in lines.texts {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(name)) }
                guard name == ":status" else { throw FaultFound(.pseudoUnknown(String(name.prefix(32)))) }
                guard statusText == nil else { throw FaultFound(.pseudoRepeated(name)) }
                statusText = value
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name.utf8.span, value.utf8.span)
                fields.take(name, value)
            }
        }
        guard let statusText else { throw FaultFound(.pseudoMissing(":status")) }
        guard statusText.utf8.count == 3, statusText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let status = Int(statusText), (100...599).contains(status), status != 101
        else { throw FaultFound(.status(String(statusText.prefix(32)))) }
        guard status >= 200 else {
            guard !endStream else { throw FaultFound(.interimEndsStream) }
            return .interim
        }
        return .response(ConnectResponse(status: status, baggage: fields.baggage))
    }
}

/// The fields a tunnel cares for; all others are dropped.
struct TunnelFields {
    private(set) var baggage: String?
    private(set) var forwarded: String?
    private(set) var forwardedNetwork: String?
    private var traceparents: [String] = []

    /// A repeated traceparent means nothing. Source: W3C Trace Context, section 3.2.
    var traceparent: String? { traceparents.count == 1 ? traceparents.first : nil }

    mutating func take(_ name: String, _ value: String) {
        // These are texts of telemetry: one that is not ASCII counts as absent.
        switch name {
        case "baggage" where value.utf8.allSatisfy({ $0 < 0x80 }): join(&baggage, value)
        case "forwarded" where value.utf8.allSatisfy({ $0 < 0x80 }): join(&forwarded, value)
        case "traceparent" where value.utf8.allSatisfy({ $0 < 0x80 }): traceparents.append(value)
        case "x-forwarded-network" where value.utf8.allSatisfy({ $0 < 0x80 }):
            forwardedNetwork = forwardedNetwork ?? value
        default: break
        }
    }

    private func join(_ list: inout String?, _ value: String) {
        list = list.map { "\($0),\(value)" } ?? value
    }
}

extension HeaderLines {
    /// Names and values as texts. What is no UTF-8 is told by the character for it.
    fileprivate var texts: [(name: String, value: String)] {
        places.indices.map {
            (String(decoding: name(at: $0), as: UTF8.self), String(decoding: value(at: $0), as: UTF8.self))
        }
    }
}
