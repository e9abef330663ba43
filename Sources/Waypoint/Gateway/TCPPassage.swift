internal import HBONE
internal import MeshDiscovery
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// The bytes of one call, carried as they are, and the record of it.
final class TCPPassage {
    private let call: Call
    private var relay: Relay?
    private var record: ConnectionRecord?
    private var ownFailure: ConnectionFailure?
    /// Counts the connection, where rules of traffic do.
    private var lease: EndpointLease?
    /// Where rules of traffic bound how long it lasts, and how long it rests.
    private var lifeTimer: Scheduled<Void>?
    private var restTimer: Scheduled<Void>?
    private var isOver = false

    init(_ call: Call) { self.call = call }

    /// Puts the relay on the caller's stream; what comes is held until an endpoint is joined.
    func prepare(on channel: TunnelStreamChannel) {
        let relay = Relay(onEnd: { self.ended($0) })
        self.relay = relay
        do {
            try channel.pipeline.syncOperations.addHandler(relay)
        } catch {
            channel.abort()
        }
    }

    func join(_ upstream: Upstream, on channel: TunnelStreamChannel) {
        prepare(on: channel)
        join(upstream)
    }

    func join(_ upstream: Upstream) {
        guard let relay, !relay.hasEnded else { return upstream.drop() }
        lease = upstream.lease
        if let limits = lease?.cluster.policy.connections { bound(relay, by: limits) }
        record = ConnectionRecord(fields(upstream.hop), shard: call.loop.metrics, log: call.loop.accessLog)
        relay.join(upstream)
    }

    /// No endpoint, and so no connection.
    func failed(_ failure: ConnectionFailure) {
        guard !isOver, record == nil else { return }
        isOver = true
        ConnectionRecord(fields(nil), shard: call.loop.metrics, log: call.loop.accessLog).finish(.failed(failure))
    }

    /// We end it ourselves.
    func cut(_ failure: ConnectionFailure) {
        ownFailure = ownFailure ?? failure
        relay?.close(failure)
    }

    /// Nothing has gone either way.
    var isUntouched: Bool { relay.map { $0.bytesFromChannel == 0 && $0.bytesToChannel == 0 } ?? true }

    /// The caller speaks HTTP after all: its stream is left to requests, and the endpoint to others. A connection that
    /// was made has its line in the log.
    func withdraw() {
        if record == nil { isOver = true }
        relay?.leaveChannel()
        isOver = true
    }

    /// Long connections are counted while they live.
    func countLiveBytes() {
        guard !isOver, let record, let relay else { return }
        record.update(totalFromClient: relay.bytesFromChannel, totalFromServer: relay.bytesToChannel)
    }

    // MARK: - Rules of traffic

    private func bound(_ relay: Relay, by limits: ConnectionLimits) {
        if let longest = limits.connectionDurationMax {
            lifeTimer = call.loop.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(longest)) { [weak self] in
                self?.cut(.closing(cause: "it has lasted as long as it may"))
            }
        }
        if let rest = limits.streamIdleTimeout, rest > .zero { watch(relay, for: TimeAmount(rest), .now(), bytes: 0) }
    }

    /// Looks four times as often as the time goes by, which makes the end so much late at most.
    /// - Parameter since: then there were so many bytes.
    private func watch(_ relay: Relay, for rest: TimeAmount, _ since: NIODeadline, bytes: Int) {
        let pause = TimeAmount.nanoseconds(max(rest.nanoseconds / 4, 1_000_000))
        restTimer = call.loop.eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self, weak relay] in
            guard let self, let relay, !relay.hasEnded else { return }
            let (now, present) = (NIODeadline.now(), relay.bytesFromChannel + relay.bytesToChannel)
            if present == bytes, now - since >= rest { return cut(.closing(cause: "nothing came for too long")) }
            watch(relay, for: rest, present == bytes ? since : now, bytes: present)
        }
    }

    private func ended(_ end: RelayEnd) {
        lease?.end()
        lifeTimer?.cancel()
        restTimer?.cancel()
        (lifeTimer, restTimer) = (nil, nil)
        let failure = ownFailure ?? ConnectionFailure(relay: end)
        guard let record else { return failed(failure ?? .clientDisconnected) }
        guard !isOver else { return }
        isOver = true
        record.update(totalFromClient: Int(end.bytesFromChannel), totalFromServer: Int(end.bytesToChannel))
        record.finish(ConnectionEnd(failure))
    }

    private func fields(_ hop: EndpointHop?) -> ConnectionFields {
        let (loop, caller) = (call.loop, call.caller)
        let source = loop.world.workload(network: loop.settings.network, ip: caller.client.ip)
        var fields = ConnectionFields(
            reporter: .waypoint, source: source.map { ConnectionParty($0, identity: nil) } ?? ConnectionParty(),
            destination: hop.map { ConnectionParty($0.workload, identity: nil) } ?? ConnectionParty(),
            service: call.target.service.map(ConnectionService.init), sourceAddress: caller.client,
            destinationAddress: hop?.peer ?? call.facts.destination, hboneAuthority: caller.request.authority)
        fields.source.identity = caller.identity
        fields.isMutualTLS = hop?.isTunnel ?? true
        return fields
    }
}

extension Relay {
    /// Copies between this channel and an endpoint.
    func join(_ upstream: Upstream) {
        switch upstream.link {
        case .stream(let stream): join(stream)
        case .socket(let channel), .secured(let channel, _, _):
            let other = Relay(onEnd: { _ in })
            do {
                try channel.pipeline.syncOperations.addHandler(other)
                join(other)
            } catch {
                channel.close(promise: nil)
                close(.inputOutput(cause: "\(error)"))
            }
        }
    }
}
