import MeshModel

/// How the log tells of requests.
package enum RequestLineFormat: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case off
    /// Envoy's default line, as Istio configures it.
    case text
    /// One object with the field names of Istio's JSON encoding.
    case json
    /// As the other lines of the log: `key=value` or, with JSON lines, one of their objects.
    case fields
}

extension AccessLog {
    /// Whether a request with this flag gets a line; others need no record.
    package func writesRequest(flag: String) -> Bool { requests != .off && isEnabled(Self.level(flag: flag)) }

    private static func level(flag: String) -> LogLevel { flag == "-" ? .info : .warn }

    /// The one line of a request.
    /// - Parameter scratch: storage that is used again for each line.
    package func request(_ record: RequestRecord, scratch: inout [UInt8]) {
        guard writesRequest(flag: record.flag) else { return }
        let level = Self.level(flag: record.flag)
        scratch.removeAll(keepingCapacity: scratch.capacity <= TelemetryLimits.logScratchBytesMax)
        switch requests {
        case .off: break
        case .text:
            record.writeEnvoyLine(to: &scratch)
            output.sink.append(scratch)
        case .json:
            record.writeJSONLine(to: &scratch)
            output.sink.append(scratch)
        case .fields:
            var line = LogLine(
                format: output.format, timeMicroseconds: output.clock.wallMicroseconds(), level: level,
                target: Self.target, message: "request complete")
            for (name, value) in record.fields {
                switch value {
                case .none: break
                case .number(let number): line.field(name, number: number)
                case .word(let word): line.field(name, word: word)
                case .text(let text): line.field(name, string: text)
                }
            }
            output.sink.append(line.finished())
        }
    }
}

extension RequestRecord {
    fileprivate enum Value {
        /// Not known.
        case none
        case number(Int)
        /// Without white space.
        case word(String)
        /// Chosen by a peer, or of several words.
        case text(String)

        static func text(_ value: String?) -> Value { value.map(Value.text) ?? .none }
        static func word(_ value: String?) -> Value { value.map(Value.word) ?? .none }
        static func address(_ value: TransportAddress?) -> Value { value.map { .word($0.description) } ?? .none }
    }

    /// Everything, in Istio's order, then what only we say.
    fileprivate var fields: [(String, Value)] {
        standardFields + ownFields + [
            ("upstream_identity", .text(upstreamIdentity?.description)),
            ("dst.hbone_addr", .word(called)),
            ("dst.service", .text(hostname)),
        ]
    }

    private var standardFields: [(String, Value)] {
        [
            ("method", .text(method ?? "-")), ("path", .text(path ?? "-")), ("protocol", .text(protocolName ?? "-")),
            ("response_code", .number(status)), ("response_flags", .word(flag)),
            ("response_code_details", .text(details)), ("connection_termination_details", .text(terminationDetails)),
            ("upstream_transport_failure_reason", .text(transportFailure)),
            ("bytes_received", .number(bytesReceived)), ("bytes_sent", .number(bytesSent)),
            ("duration", .number(durationMilliseconds)),
            ("upstream_service_time", upstreamMilliseconds.map(Value.number) ?? .none),
            ("x_forwarded_for", .text(forwardedFor)), ("user_agent", .text(userAgent)),
            ("request_id", .text(requestID)), ("authority", .text(authority)),
            ("upstream_host", .address(upstream)), ("upstream_cluster", .text(cluster?.description)),
            ("upstream_local_address", .none), ("downstream_local_address", .address(dialled)),
            ("downstream_remote_address", .address(client)), ("requested_server_name", .none),
            ("route_name", .text(route?.routeName)),
        ]
    }

    /// What Envoy's line does not have; only what there is to tell.
    private var ownFields: [(String, Value)] {
        [
            ("src.identity", .text(identity.description)),
            ("grpc_status", .text(grpcStatus)), ("denial", .text(denial)),
            ("policy_findings", findings.isEmpty ? .none : .text(findings.joined(separator: "; "))),
            ("attempts", attempts > 1 ? .number(attempts) : .none),
            ("trace_id", .word(trace?.traceID.description)),
        ]
    }

    /// One JSON object; what is not known is null, as Envoy writes it.
    fileprivate func writeJSONLine(to line: inout [UInt8]) {
        line.append(text: #"{"start_time":""#)
        line.append(rfc3339Milliseconds: startMicroseconds)
        line.append(text: "\"")
        for (name, value) in standardFields { line.append(json: name, value) }
        for (name, value) in ownFields {
            if case .none = value { continue }
            line.append(json: name, value)
        }
        line.append(text: "}\n")
    }
}

extension [UInt8] {
    fileprivate mutating func append(json name: String, _ value: RequestRecord.Value) {
        append(text: ",\"\(name)\":")
        switch value {
        case .none: append(text: "null")
        case .number(let number): append(decimal: number)
        case .word(let text), .text(let text): append(quoted: text)
        }
    }
}
