import MeshModel
import MeshRuntime
import MeshTelemetry
import MeshTracing

/// Which requests are traced and where their spans go. Names are OpenTelemetry's where it has the setting.
struct TracingSettings {
    /// `nil`: nowhere.
    var collector: CollectorEndpoint?
    var sampling: TraceSettings
    var exporter: SpanExporterSettings
    var queueMax: Int
    var batchMax: Int
    var serviceName: String

    /// - Parameter serviceName: when the environment has none.
    init(_ reader: inout SettingsReader, serviceName: String) {
        let form =
            reader.value("OTEL_EXPORTER_OTLP_PROTOCOL", expected: "grpc or http/protobuf") {
                CollectorEndpoint.Form(rawValue: $0)
            } ?? .http
        let headers = reader.text("OTEL_EXPORTER_OTLP_HEADERS") ?? ""
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT"
        let expected = "an address such as http://otel-collector:4318 (https only with grpc), and headers as NAME=VALUE"
        collector = reader.value(name, expected: expected) { CollectorEndpoint($0, form: form, headers: headers) }
        sampling = TraceSettings(
            samplingHundredths: reader.value("TRACE_SAMPLING", expected: "a percentage from 0 to 100") {
                Self.hundredths($0)
            } ?? 100,
            usesRequestID: reader.bool("TRACE_SAMPLING_BY_REQUEST_ID", default: true),
            propagators: reader.value("OTEL_PROPAGATORS", expected: "a list of tracecontext, b3 and b3multi") {
                Self.propagators($0)
            } ?? [.tracecontext])
        exporter = SpanExporterSettings()
        exporter.delay = .milliseconds(reader.number("OTEL_BSP_SCHEDULE_DELAY", default: 5000, in: 1...3_600_000))
        queueMax = reader.number("OTEL_BSP_MAX_QUEUE_SIZE", default: TelemetryLimits.spanQueueMax, in: 1...1_000_000)
        batchMax = reader.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", default: 512, in: 1...100_000)
        self.serviceName = reader.text("OTEL_SERVICE_NAME", default: serviceName)
    }

    /// `1`, `12.5`, `0.01`; finer shares are refused.
    static func hundredths(_ text: String) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...100).contains(whole) else {
            return nil
        }
        let digits = parts.count == 2 ? String(parts[1]) : "0"
        guard (1...2).contains(digits.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let fraction = Int(digits)
        else { return nil }
        let hundredths = whole * 100 + (digits.count == 1 ? fraction * 10 : fraction)
        return hundredths <= 10_000 ? hundredths : nil
    }

    /// Baggage is always passed on, so naming it changes nothing.
    static func propagators(_ text: String) -> Set<TracePropagator>? {
        var propagators: Set<TracePropagator> = []
        for word in text.split(separator: ",") {
            let name = word.filter { $0 != " " }
            if name == "baggage" { continue }
            guard let propagator = TracePropagator(rawValue: name) else { return nil }
            propagators.insert(propagator)
        }
        return propagators.isEmpty ? nil : propagators
    }
}
