/// Which text the scraper asked for.
package enum ExpositionFormat: Hashable, Sendable {
    case openMetrics
    /// Prometheus text format 0.0.4.
    case prometheusText

    /// Chosen by an Accept header; OpenMetrics only for who asks for it.
    package init(accept: String?) {
        self = (accept ?? "").lowercased().contains("application/openmetrics-text") ? .openMetrics : .prometheusText
    }

    package var contentType: String {
        switch self {
        case .openMetrics: return "application/openmetrics-text;charset=utf-8;version=1.0.0"
        case .prometheusText: return "text/plain; charset=utf-8; version=0.0.4"
        }
    }
}

/// What the samples of a family mean.
package enum MetricType: String, Hashable, Sendable {
    /// Only grows.
    case counter
    case gauge
    /// Buckets, a sum and a count; only rooms that keep a `Histogram` have these.
    case histogram
}

/// One value of a family.
package struct MetricSample: Sendable {
    package let labels: [(String, String)]
    package let value: Double

    /// - Parameter labels: names and values, in the order to write them.
    package init(labels: [(String, String)] = [], value: Double) {
        self.labels = labels
        self.value = value
    }
}

struct MetricFamily: Sendable {
    let name: String
    let type: MetricType
    let help: String
    var sources: [@Sendable () -> [MetricSample]]

    static func isValid(name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
                return true
            default:
                return false
            }
        }
    }
}

/// A metrics page being written (OpenMetrics 1.0 or Prometheus text 0.0.4). Families without samples are left out.
struct Exposition {
    private var text = ""
    private let format: ExpositionFormat

    init(_ format: ExpositionFormat) { self.format = format }

    mutating func append(_ family: MetricFamily) {
        let samples = family.sources.flatMap { $0() }
        guard !samples.isEmpty else { return }
        begin(family.name, family.type, family.help)
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            append(family.name, family.type, labels: labels, value: Self.number(sample.value))
        }
    }

    /// HELP and TYPE of a family whose samples follow.
    mutating func begin(_ name: String, _ type: MetricType, _ help: String) {
        // The older format knows a counter only by its full name.
        let header = format == .prometheusText ? name + Self.suffix(type) : name
        text += "# HELP \(header) \(Self.escapedHelp(help, format))\n# TYPE \(header) \(type.rawValue)\n"
    }

    mutating func append(_ name: String, _ type: MetricType, labels: String, value: String) {
        text += name
        text += Self.suffix(type)
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// The lines of one histogram. Exemplars are written only in OpenMetrics, which alone has them.
    mutating func append(_ histogram: Histogram, exemplars: [Exemplar?], of name: String, labels: String) {
        var total = 0
        for (index, count) in histogram.counts.enumerated() {
            total += count
            // Written as Envoy does, in both formats, so that a scraper's series stay the same.
            let bound = index < Histogram.bounds.count ? Self.number(Histogram.bounds[index]) : "+Inf"
            text += "\(name)_bucket{\(labels),le=\"\(bound)\"} \(total)"
            if format == .openMetrics, index < exemplars.count, let exemplar = exemplars[index] {
                text += " # {trace_id=\"\(exemplar.trace.traceID)\",span_id=\"\(exemplar.trace.spanID)\"} "
                text += "\(Self.number(exemplar.value)) \(Self.seconds(exemplar.timeMicroseconds))"
            }
            text += "\n"
        }
        text += "\(name)_sum{\(labels)} \(Self.number(histogram.sum))\n"
        text += "\(name)_count{\(labels)} \(total)\n"
    }

    /// Unix time with milliseconds.
    private static func seconds(_ microseconds: Int64) -> String {
        let fraction = String(microseconds / 1000 % 1000)
        return "\(microseconds / 1_000_000).\(String(repeating: "0", count: 3 - fraction.utf8.count))\(fraction)"
    }

    /// Labels as they stand between the braces.
    static func render(_ pairs: [(String, String)]) -> String {
        pairs.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
    }

    consuming func finished() -> String {
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private static func suffix(_ type: MetricType) -> String { type == .counter ? "_total" : "" }

    private static func number(_ value: Double) -> String {
        if let whole = Int(exactly: value) { return String(whole) }
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return String(value)
    }

    /// A label value: backslash, quote and line feed escaped.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5c || $0 == 0x22 || $0 == 0x0a }) else { return value }
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// HELP text: the older format leaves quotes alone.
    private static func escapedHelp(_ value: String, _ format: ExpositionFormat) -> String {
        let escaped = escaped(value)
        guard format == .prometheusText else { return escaped }
        return escaped.split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
    }
}
