package import MeshModel

extension CORSPolicy {
    /// What the policy makes of one request.
    package enum Verdict: Hashable, Sendable {
        /// Not from another origin, or from one that is not let in: forwarded, nothing is added to the answer.
        case none
        /// To be answered with 200 and these fields; without any when the origin is not let in.
        case preflight(HeaderList)
        /// To be forwarded, with these fields on the answer.
        case admitted(HeaderList)
    }

    /// Judges a request. Asterisks are answered with what was asked for, as is right with credentials and without.
    package func judge(_ head: RequestHead) -> Verdict {
        guard let origin = head.headers.joined("origin".utf8) else { return .none }
        let method = head.headers.joined("access-control-request-method".utf8)
        let isPreflight = head.method == .known(.options) && method != nil
        guard allowOrigins.contains(where: { $0.admits(origin) }) else {
            return isPreflight ? .preflight(HeaderList()) : .none
        }
        var fields = HeaderList()
        fields.append(name: "access-control-allow-origin".utf8, value: origin)
        fields.append(name: "vary".utf8, value: "origin".utf8)
        if allowCredentials { fields.append(name: "access-control-allow-credentials".utf8, value: "true".utf8) }
        let asked = head.headers.joined("access-control-request-headers".utf8)
        // An answer to a request that is no preflight cannot echo header names: nothing asked for them.
        exposeHeaders.write("access-control-expose-headers", asterisk: allowCredentials ? nil : "*", to: &fields)
        guard isPreflight else { return .admitted(fields) }
        allowMethods.write("access-control-allow-methods", asterisk: method, to: &fields)
        allowHeaders.write("access-control-allow-headers", asterisk: asked, to: &fields)
        fields.append(name: "access-control-max-age".utf8, value: "\(maximumAgeSeconds)".utf8)
        return .preflight(fields)
    }
}

extension CORSOrigin {
    /// Whether an origin is this one, or one of these.
    package func admits(_ origin: ArraySlice<UInt8>) -> Bool {
        switch pattern {
        case .any: return !origin.isEmpty && origin.allSatisfy { (0x21...0x7e).contains($0) }
        case .exact(let text): return origin.lazy.map(\.lowercased).elementsEqual(text.utf8)
        case .below(let scheme, let suffix):
            let (front, back) = (scheme.utf8.count, suffix.utf8.count)
            guard origin.count > front + back,
                origin.prefix(front).lazy.map(\.lowercased).elementsEqual(scheme.utf8),
                origin.suffix(back).lazy.map(\.lowercased).elementsEqual(suffix.utf8)
            else { return false }
            // Labels only: a slash or a port would make it another host.
            let labels = origin.dropFirst(front).dropLast(back)
            let dash = ByteSet("-")
            return labels.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0.allSatisfy { ByteSet.word.contains($0) || dash.contains($0) }
            }
        }
    }
}

extension CORSNames {
    /// Writes a field with these names; for `any` with what `asterisk` says, and no field when that says nothing.
    fileprivate func write(_ name: String, asterisk: ArraySlice<UInt8>?, to fields: inout HeaderList) {
        switch self {
        case .listed(let names):
            guard !names.isEmpty else { return }
            fields.append(name: name.utf8, value: names.map(\.text).joined(separator: ", ").utf8)
        case .any:
            // Only names, commas and blanks go back to the browser.
            let isName = { (byte: UInt8) in
                HTTPToken.isTokenByte(byte) || byte == UInt8(ascii: ",") || byte.isBlank
            }
            guard let asterisk, !asterisk.isEmpty, asterisk.allSatisfy(isName) else { return }
            fields.append(name: name.utf8, value: asterisk)
        }
    }

    fileprivate func write(_ name: String, asterisk: String?, to fields: inout HeaderList) {
        write(name, asterisk: asterisk.map { Array($0.utf8)[...] }, to: &fields)
    }
}
