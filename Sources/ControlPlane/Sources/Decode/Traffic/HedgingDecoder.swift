import ControlTranslate
import MeshModel

/// `hedging` of a TrafficGuard.
enum HedgingDecoder {
    static func policy(_ reader: inout MapReader) -> HedgingPolicy? {
        let delay = reader.time("after")
        if delay == nil, !reader.has("after") { reader.complain(reader.line, reader.field("after"), "is missing") }
        let attemptsMax = reader.integer("maxAttempts", 2...5)
        let methods = methods(&reader)
        guard let delay else { return nil }
        var policy = HedgingPolicy(delay: delay)
        if let attemptsMax { policy.attemptsMax = UInt32(clamping: attemptsMax) }
        if let methods { policy.methods = methods }
        do throws(TrafficValueError) {
            try policy.check()
        } catch {
            reader.complain(reader.line, "spec.\(error.field)", error.reason)
            return nil
        }
        return policy
    }

    private static func methods(_ reader: inout MapReader) -> Set<HTTPMethod>? {
        guard let written = reader.texts("methods") else { return nil }
        var methods: Set<HTTPMethod> = []
        for value in written {
            if let method = HTTPMethod(rawValue: value.text), method != .connect {
                methods.insert(method)
            } else {
                let expected = "expected a method such as GET, and not CONNECT"
                reader.complain(value.line, value.field, "\(expected), found \"\(value.text.prefix(64))\"")
            }
        }
        return methods
    }
}
