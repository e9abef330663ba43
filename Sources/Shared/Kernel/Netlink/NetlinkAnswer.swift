/// One message of the kernel's answer. Pure.
struct NetlinkAnswer: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// 0 is an acknowledgement.
        case status(errno: Int32, message: String)
        case done(errno: Int32)
        case content
        case nothing
    }

    let type: UInt16
    let sequence: UInt32
    /// The dump changed while it was read (NLM_F_DUMP_INTR).
    let interrupted: Bool
    let kind: Kind
    let body: [UInt8]

    /// All messages of a datagram; `nil` when a length points outside.
    static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkAnswer]? {
        var answers: [NetlinkAnswer] = []
        var rest = datagram
        while rest.count >= NetlinkMessage.headerBytes {
            let length = Int(rest.hostInteger(at: 0, as: UInt32.self))
            guard length >= NetlinkMessage.headerBytes, length <= rest.count else { return nil }
            let start = rest.startIndex
            let body = Array(rest[(start + NetlinkMessage.headerBytes)..<(start + length)])
            guard let answer = NetlinkAnswer(header: rest, body: body) else { return nil }
            answers.append(answer)
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return rest.isEmpty ? answers : nil
    }

    private init?(header: ArraySlice<UInt8>, body: [UInt8]) {
        type = header.hostInteger(at: 4, as: UInt16.self)
        let flags = header.hostInteger(at: 6, as: UInt16.self)
        sequence = header.hostInteger(at: 8, as: UInt32.self)
        interrupted = flags & 0x10 != 0
        self.body = body
        switch type {
        case 1:
            kind = .nothing
        case 2:
            guard body.count >= 4 + NetlinkMessage.headerBytes else { return nil }
            let code = Int32(bitPattern: body[...].hostInteger(at: 0, as: UInt32.self))
            guard code <= 0, code > -4096 else { return nil }
            kind = .status(errno: -code, message: Self.message(in: body, flags: flags))
        case 3:
            let code = body.count >= 4 ? Int32(bitPattern: body[...].hostInteger(at: 0, as: UInt32.self)) : 0
            guard code > -4096 else { return nil }
            kind = .done(errno: code < 0 ? -code : 0)
        default:
            kind = .content
        }
    }

    /// The extended acknowledgement's text (NLMSGERR_ATTR_MSG, 1).
    private static func message(in body: [UInt8], flags: UInt16) -> String {
        let (capped, hasAttributes): (UInt16, UInt16) = (0x100, 0x200)
        guard flags & hasAttributes != 0 else { return "" }
        var offset = 4 + NetlinkMessage.headerBytes
        if flags & capped == 0 {
            // The refused request is repeated in full before the attributes.
            let request = Int(body[...].hostInteger(at: 4, as: UInt32.self))
            guard request >= NetlinkMessage.headerBytes else { return "" }
            offset = 4 + (request + 3) & ~3
        }
        guard offset <= body.count, let attributes = AttributeTable(body[offset...]),
            let text = attributes[number: 1]
        else { return "" }
        return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
}
