package import MeshModel

/// The lines about connections, target `access`. Writing never blocks the caller: see `LineSink`.
package struct AccessLog: Sendable {
    let output: LogOutput
    /// How requests are told.
    let requests: RequestLineFormat
    private let threshold: LevelSwitch

    /// The target of its lines in filters.
    package static let target = "access"

    package init(_ output: LogOutput, requests: RequestLineFormat = .fields) {
        self.output = output
        self.requests = requests
        threshold = output.levelSwitch(for: Self.target)
    }

    /// Microseconds since 1970-01-01T00:00:00Z, by the log's clock.
    package var wallMicroseconds: Int64 { output.clock.wallMicroseconds() }

    /// A connection refused before anything about it was known: there is no record and no metric, only this line.
    package func connectionFailed(
        _ failure: ConnectionFailure, source: TransportAddress, destination: TransportAddress?, reporter: Reporter
    ) {
        guard isEnabled(.warn) else { return }
        var line = line(.warn, "connection failed", reusing: [])
        line.field("src.addr", word: source.description)
        if let destination { line.field("dst.addr", word: destination.description) }
        line.field("direction", string: reporter.direction)
        line.field("error", string: failure.description)
        output.sink.append(line.finished())
    }

    func isEnabled(_ level: LogLevel) -> Bool { level >= threshold.level }

    func opened(_ record: ConnectionRecord, scratch: inout [UInt8]) {
        var line = line(.debug, "connection opened", reusing: Self.take(&scratch))
        line.append(record.fields)
        send(consume line, storage: &scratch)
    }

    func complete(_ record: ConnectionRecord, end: ConnectionEnd, duration: Duration, scratch: inout [UInt8]) {
        let level: LogLevel = end.failure == nil ? .info : .error
        guard isEnabled(level) else { return }
        var line = line(level, "connection complete", reusing: Self.take(&scratch))
        line.append(record.fields)
        // The log counts from the reporter's own application: what it sent, or what it sends back.
        let isOutbound = record.fields.reporter == .source
        line.field("bytes_sent", number: isOutbound ? record.bytesFromClient : record.bytesFromServer)
        line.field("bytes_recv", number: isOutbound ? record.bytesFromServer : record.bytesFromClient)
        line.field("duration", string: "\(duration.wholeMilliseconds)ms")
        if let failure = end.failure { line.field("error", string: failure.description) }
        send(consume line, storage: &scratch)
    }

    private func send(_ line: consuming LogLine, storage: inout [UInt8]) {
        let bytes = line.finished()
        output.sink.append(bytes)
        storage = bytes
    }

    private func line(_ level: LogLevel, _ message: String, reusing storage: consuming [UInt8]) -> LogLine {
        LogLine(
            reusing: storage, format: output.format, timeMicroseconds: output.clock.wallMicroseconds(), level: level,
            target: Self.target, message: message)
    }

    /// The only reference, so that the storage is written in place.
    private static func take(_ storage: inout [UInt8]) -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &storage)
        return taken
    }
}

extension LogLine {
    /// In the order of Istio's ztunnel; what is unknown is left out.
    fileprivate mutating func append(_ fields: ConnectionFields) {
        field("src.addr", word: fields.sourceAddress.description)
        appendKnown("src.workload", fields.source.podName)
        appendKnown("src.namespace", fields.source.namespace)
        appendKnown("src.identity", fields.source.identity?.description)
        appendKnown("src.cluster", fields.source.clusterID)
        field("dst.addr", word: fields.destinationAddress.description)
        if let authority = fields.hboneAuthority { field("dst.hbone_addr", word: authority) }
        appendKnown("dst.service", fields.service?.hostname)
        appendKnown("dst.workload", fields.destination.podName)
        appendKnown("dst.namespace", fields.destination.namespace)
        appendKnown("dst.identity", fields.destination.identity?.description)
        appendKnown("dst.cluster", fields.destination.clusterID)
        field("direction", string: fields.reporter.direction)
    }

    private mutating func appendKnown(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        field(name, string: value)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
