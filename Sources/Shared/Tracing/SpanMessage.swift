import Foundation
import MeshTelemetry
import MeshWire
import SwiftProtobuf

/// Spans in OpenTelemetry's words. Source: opentelemetry-proto, trace/v1 and collector/trace/v1.
struct SpanMessage {
    /// Attributes of the resource; `service.name` is one.
    let resource: [(String, String)]

    func request(_ spans: [Span]) -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest {
        var resource = Opentelemetry_Proto_Resource_V1_Resource()
        resource.attributes = self.resource.map { Self.attribute($0.0, .stringValue($0.1)) }
        var scope = Opentelemetry_Proto_Trace_V1_ScopeSpans()
        scope.scope.name = "apus.waypoint"
        scope.spans = spans.map(Self.span)
        var resourceSpans = Opentelemetry_Proto_Trace_V1_ResourceSpans()
        resourceSpans.resource = resource
        resourceSpans.scopeSpans = [scope]
        var request = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest()
        request.resourceSpans = [resourceSpans]
        return request
    }

    private static func span(_ span: Span) -> Opentelemetry_Proto_Trace_V1_Span {
        var message = Opentelemetry_Proto_Trace_V1_Span()
        message.traceID = bytes(span.context.traceID.high) + bytes(span.context.traceID.low)
        message.spanID = bytes(span.context.spanID.raw)
        if let parent = span.parent { message.parentSpanID = bytes(parent.raw) }
        message.traceState = span.context.state
        message.flags = span.context.isSampled ? 1 : 0
        message.name = span.name
        message.kind = span.kind == .server ? .server : .client
        message.startTimeUnixNano = nanoseconds(span.startMicroseconds)
        message.endTimeUnixNano = nanoseconds(max(span.startMicroseconds, span.endMicroseconds))
        message.attributes = span.attributes.map { attribute in
            switch attribute.value {
            case .text(let text): Self.attribute(attribute.name, .stringValue(text))
            case .number(let number): Self.attribute(attribute.name, .intValue(Int64(number)))
            case .flag(let flag): Self.attribute(attribute.name, .boolValue(flag))
            }
        }
        if span.isError { message.status.code = .error }
        return message
    }

    private static func attribute(
        _ name: String, _ value: Opentelemetry_Proto_Common_V1_AnyValue.OneOf_Value
    ) -> Opentelemetry_Proto_Common_V1_KeyValue {
        var attribute = Opentelemetry_Proto_Common_V1_KeyValue()
        attribute.key = name
        attribute.value.value = value
        return attribute
    }

    private static func bytes(_ value: UInt64) -> Data {
        Data((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) })
    }

    private static func nanoseconds(_ microseconds: Int64) -> UInt64 { UInt64(max(0, microseconds)) * 1000 }
}
