extension RequestPath {
    /// The same path without some parameters of its query, and without the `?` when none is left. The others stay as
    /// they were written.
    /// - Parameter isUnwanted: asked for the name of each parameter, as written.
    package func withoutParameters(where isUnwanted: (_ name: ArraySlice<UInt8>) -> Bool) -> RequestPath {
        guard let query else { return self }
        let sign = UInt8(ascii: "&")
        let parameters = query.split(separator: sign, omittingEmptySubsequences: false)
        let kept = parameters.filter { !isUnwanted($0.prefix { $0 != UInt8(ascii: "=") }) }
        guard kept.count < parameters.count else { return self }
        var target = Array(path)
        if !kept.isEmpty {
            target.append(UInt8(ascii: "?"))
            target.append(contentsOf: kept.joined(separator: CollectionOfOne(sign)))
        }
        return RequestPath(target: target, pathEnd: pathEnd)
    }
}

/// A parameter of a query, decoded.
package struct QueryParameter: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// As it is written: every byte that RFC 3986 does not leave as it is, is escaped.
    fileprivate var written: [UInt8] { Self.escaped(name) + [UInt8(ascii: "=")] + Self.escaped(value) }

    private static func escaped(_ text: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return text.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    /// Whether a parameter is meant by a name. Plus signs are spaces, as in forms.
    /// - Parameter written: its name as written.
    package static func isNamed(_ written: ArraySlice<UInt8>, _ name: String) -> Bool {
        var bytes: [UInt8] = []
        var index = written.startIndex
        while index < written.endIndex {
            let byte = written[index]
            let digits = written[(index + 1)...].prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let high = digits.first?.hexadecimalValue,
                let low = digits.last?.hexadecimalValue
            {
                bytes.append(high << 4 | low)
                index += 3
                continue
            }
            bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            index += 1
        }
        return bytes.elementsEqual(name.utf8)
    }
}

extension RequestPath {
    /// The same path with other parameters in its query: those that are set stand once, behind all others.
    package func changed(setting parameters: [QueryParameter], removing names: [String]) -> RequestPath {
        let unwanted = names + parameters.map(\.name)
        let kept = withoutParameters { written in unwanted.contains { QueryParameter.isNamed(written, $0) } }
        var target = kept.target
        for parameter in parameters {
            if target.count == kept.pathEnd {
                target.append(UInt8(ascii: "?"))
            } else if target.count > kept.pathEnd + 1 {
                target.append(UInt8(ascii: "&"))
            }
            target += parameter.written
        }
        return RequestPath(target: target, pathEnd: kept.pathEnd)
    }
}
