import MeshModel
import NIOHPACK

// What a decoded header section means. Source: RFC 9113 sections 8.2, 8.3 and 8.5.

/// A request, judged.
enum RequestVerdict {
    case request(ConnectRequest)
    case bad(HTTP2BadRequest)
    case malformed(HTTP2StreamError.HeaderFault)

    init(_ headers: HPACKHeaders, listBytesMax: Int) {
        let listBytes = headers.listBytes
        guard listBytes <= listBytesMax else {
            self = .bad(.headerListTooLarge(bytes: listBytes, bytesMax: listBytesMax))
            return
        }
        do throws(FaultFound) {
            self = try Self.judge(headers)
        } catch {
            self = .malformed(error.fault)
        }
    }

    private static func judge(_ headers: HPACKHeaders) throws(FaultFound) -> RequestVerdict {
        var method: String?
        var authority: String?
        var hasTarget: String?
        var fields = TunnelFields()
        var isPastPseudo = false
        for (name, value, _) in headers {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(name)) }
                switch name {
                case ":method": try take(&method, name, value)
                case ":authority": try take(&authority, name, value)
                case ":scheme", ":path", ":protocol": try take(&hasTarget, name, name, mayRepeat: true)
                default: throw FaultFound(.pseudoUnknown(String(name.prefix(32))))
                }
                try FieldRules.checkValue(name, value)
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name, value)
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

    init(_ headers: HPACKHeaders, endStream: Bool) {
        do throws(FaultFound) {
            self = try Self.judge(headers, endStream: endStream)
        } catch {
            self = .malformed(error.fault)
        }
    }

    private static func judge(_ headers: HPACKHeaders, endStream: Bool) throws(FaultFound) -> ResponseVerdict {
        var statusText: String?
        var fields = TunnelFields()
        var isPastPseudo = false
        for (name, value, _) in headers {
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(name)) }
                guard name == ":status" else { throw FaultFound(.pseudoUnknown(String(name.prefix(32)))) }
                guard statusText == nil else { throw FaultFound(.pseudoRepeated(name)) }
                statusText = value
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name, value)
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

/// Carries a fault up; both verdicts turn it into their own case.
struct FaultFound: Error {
    var fault: HTTP2StreamError.HeaderFault

    init(_ fault: HTTP2StreamError.HeaderFault) { self.fault = fault }
}

/// What any field must look like. Source: RFC 9113 sections 8.2.1 and 8.2.2.
enum FieldRules {
    static func checkField(_ name: String, _ value: String) throws(FaultFound) {
        let isNameLegal = name.utf8.allSatisfy { byte in
            (0x21...0x7e).contains(byte) && !(0x41...0x5a).contains(byte) && byte != UInt8(ascii: ":")
        }
        guard isNameLegal, !name.isEmpty else { throw FaultFound(.name(String(name.prefix(32)))) }
        try checkValue(name, value)
        switch name {
        case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
            throw FaultFound(.connectionSpecific(name))
        case "te" where value != "trailers":
            throw FaultFound(.connectionSpecific(name))
        default: break
        }
    }

    static func checkValue(_ name: String, _ value: String) throws(FaultFound) {
        guard isValueLegal(value) else { throw FaultFound(.value(name: String(name.prefix(32)))) }
    }

    /// No NUL, CR or LF; no space or tab at either end.
    static func isValueLegal(_ value: String) -> Bool {
        let bytes = value.utf8
        if let first = bytes.first, let last = bytes.last {
            for edge in [first, last] where edge == 0x20 || edge == 0x09 { return false }
        }
        return bytes.allSatisfy { $0 != 0x00 && $0 != 0x0a && $0 != 0x0d }
    }
}

extension HPACKHeaders {
    /// Size by which header lists are limited. Source: RFC 9113 section 6.5.2.
    var listBytes: Int {
        var bytes = 0
        for (name, value, _) in self { bytes += name.utf8.count + value.utf8.count + 32 }
        return bytes
    }
}
