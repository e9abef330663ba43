import ControlAuthority
import MeshModel
import MeshRuntime

/// Reads option values and collects what is wrong with them, so that all mistakes are told at once.
struct OptionReader {
    private(set) var problems: [String] = []

    mutating func refuse(_ name: String, _ expected: String, _ found: String) {
        problems.append("\(name): expected \(expected), found '\(found)'")
    }

    mutating func complain(_ name: String, _ problem: String) { problems.append("\(name): \(problem)") }

    mutating func value<Value>(
        _ name: String, _ text: String, _ expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let value = parse(text) else {
            refuse(name, expected, text)
            return nil
        }
        return value
    }

    mutating func address(_ name: String, _ text: String) -> TransportAddress {
        value(name, text, "IP:PORT, such as 127.0.0.1:15012 or [::]:15012", Self.parseAddress)
            ?? TransportAddress(IPAddress(v4: 0), port: 0)
    }

    /// Port 0 takes a free one.
    private static func parseAddress(_ text: String) -> TransportAddress? {
        guard text.hasSuffix(":0") else { return TransportAddress(text) }
        return TransportAddress(text.dropLast() + "1").map { TransportAddress($0.ip, port: 0) }
    }

    mutating func lifetimeSeconds(_ name: String, _ text: String) -> Int64 {
        let seconds = value(name, text, "a duration of 1s to 90d, such as 24h") { text -> Int64? in
            guard let duration = SettingText.duration(text) else { return nil }
            let range = 1...AuthorityLimits.lifetimeSecondsMax
            return range.contains(duration.components.seconds) ? duration.components.seconds : nil
        }
        return seconds ?? AuthorityLimits.defaultLifetimeSeconds
    }

    mutating func seconds(_ name: String, _ text: String, in range: ClosedRange<Int64>) -> Int {
        let seconds = value(name, text, "a duration of \(range.lowerBound)s to \(range.upperBound)s, such as 5s") {
            text -> Int64? in
            guard let duration = SettingText.duration(text) else { return nil }
            return range.contains(duration.components.seconds) ? duration.components.seconds : nil
        }
        return Int(seconds ?? range.lowerBound)
    }

    mutating func serverName(_ name: String, _ text: String) -> ServerName {
        value(name, text, "a DNS name or an IP address") { ServerName($0) } ?? .dns("localhost")
    }
}
