internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import MeshTelemetry
internal import NIOCore
internal import WaypointRoute

extension RequestLog {
    /// What lines and spans are made of.
    func record(_ duration: TimeAmount) -> RequestRecord {
        var record = RequestRecord(client: call.caller.client, identity: call.caller.identity)
        record.startMicroseconds = wallMicroseconds - duration.nanoseconds / 1_000
        record.durationMilliseconds = Self.milliseconds(duration)
        record.hostname = call.target.service?.hostname
        record.called = call.caller.request.authority
        record.dialled = call.target.address.map { TransportAddress($0, port: call.target.port) }
        if let message { record.describe(message) }
        (record.status, record.flag, record.details) = (status, flag, details)
        (record.bytesReceived, record.bytesSent) = (bytesReceived, bytesSent)
        if let shortenedPath { record.path = String(decoding: shortenedPath.target, as: UTF8.self) }
        record.upstreamMilliseconds = upstreamMilliseconds
        record.upstream = hop?.target
        record.upstreamIdentity = hop.flatMap { $0.isTunnel ? $0.workload.identity : nil }
        record.route = origin
        record.cluster = cluster
        record.attempts = attempts
        (record.isGRPC, record.grpcStatus) = (isGRPC, grpcStatus)
        (record.requestMessages, record.responseMessages) = (requestMessages.messages, responseMessages.messages)
        record.denial = denial
        record.findings = findings
        (record.trace, record.traceParent) = (trace?.context, trace?.parent)
        return record
    }

    private var cluster: RequestCluster? {
        guard let target else { return nil }
        let host = target.service?.hostname ?? "\(call.facts.destination.ip)"
        return RequestCluster(isOwn: isOwnTarget, port: target.port, host: host)
    }
}

extension RequestRecord {
    fileprivate mutating func describe(_ message: RequestMessage) {
        let head = message.head
        method = head.method.text
        path = String(decoding: head.path.target, as: UTF8.self)
        protocolName = "\(message.version)"
        authority = String(decoding: head.authority.bytes, as: UTF8.self)
        userAgent = head.headers["user-agent"]
        forwardedFor = head.headers["x-forwarded-for"]
        requestID = head.headers["x-request-id"]
    }
}
