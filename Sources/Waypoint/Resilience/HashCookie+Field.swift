package import MeshModel

extension HashCookie {
    /// A value for a client that has none: 16 hexadecimal digits.
    package static func makeValue(using generator: inout some RandomNumberGenerator) -> String {
        let digits = String(generator.next(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The value of `set-cookie` that hands out a value (RFC 6265, 4.1); `nil`: clients get no cookie from us.
    package func field(_ value: String) -> String? {
        guard let lifetime else { return nil }
        var text = "\(name)=\(value)"
        if lifetime > .zero { text += "; Max-Age=\(max(1, lifetime.components.seconds))" }
        if let path { text += "; Path=\(path)" }
        return text + "; HttpOnly"
    }
}
