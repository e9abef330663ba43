import ControlTranslate
import MeshModel

/// `hedging` of a TrafficGuard.
enum HedgingDecoder {
    static func policy(_ reader: inout MapReader) -> HedgingPolicy? {
        guard let delay = reader.time("after") else {
            if !reader.has("after") { reader.complain(reader.line, reader.field("after"), "is missing") }
            return nil
        }
        var policy = HedgingPolicy(delay: delay)
        policy.attemptsMax = reader.integer("maxAttempts", 2...5).map { UInt32(clamping: $0) } ?? policy.attemptsMax
        let written = reader.texts("methods")
        if written != nil { policy.methods = [] }
        for value in written ?? [] {
            if let method = HTTPMethod(rawValue: value.text), method != .connect {
                policy.methods.insert(method)
            } else {
                let expected = "expected a method such as GET, and not CONNECT"
                reader.complain(value.line, value.field, "\(expected), found \"\(value.text.prefix(64))\"")
            }
        }
        do throws(TrafficValueError) {
            try policy.check()
        } catch {
            reader.complain(reader.line, "spec.\(error.field)", error.reason)
            return nil
        }
        return policy
    }
}
