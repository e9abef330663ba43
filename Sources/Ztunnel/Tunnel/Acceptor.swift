internal import HBONE
internal import MeshKernel
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// The three doors of a pod.
package enum PodDoor: CaseIterable, Hashable, Sendable {
    /// 15001: what the pod's processes send out.
    case outbound
    /// 15006: plain text that others send to the pod.
    case inboundPlaintext
    /// 15008: HBONE that others send to the pod.
    case inboundTunnel

    var port: UInt16 {
        switch self {
        case .outbound: return TunnelPorts.outbound
        case .inboundPlaintext: return TunnelPorts.inboundPlaintext
        case .inboundTunnel: return TunnelPorts.inboundHBONE
        }
    }
}

/// Takes accepted channels of one pod and starts what happens to them. Runs on the channel's loop.
struct Acceptor {
    let loop: TunnelLoop
    let pod: PodKey
    let door: PodDoor

    /// Called while the channel is being set up: nothing was read from it yet.
    func accept(_ channel: any Channel) throws {
        guard let pod = loop.pods[pod] else { throw ChannelError.ioOnClosedChannel }
        let found = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { AcceptedAddresses(of: $0) }
        guard case .some(.some(let addresses)) = found else { throw ChannelError.unknownLocalAddress }
        count(channel)
        switch door {
        case .outbound: try outbound(channel, pod, addresses)
        case .inboundPlaintext: try plaintext(channel, pod, addresses)
        case .inboundTunnel:
            InboundTunnel(pod: pod, channel: channel, client: addresses.client, local: addresses.local).start()
        }
    }

    private func count(_ channel: any Channel) {
        let reporter: Reporter = door == .outbound ? .source : .destination
        let metrics = loop.metrics
        metrics.socketOpened(reporter)
        channel.closeFuture.assumeIsolated().whenComplete { _ in metrics.socketClosed(reporter) }
    }

    private func outbound(_ channel: any Channel, _ pod: PodOnLoop, _ addresses: AcceptedAddresses) throws {
        if let arrived = loop.selfTests.removeValue(
            forKey: SelfTestKey(pod: pod.key, destination: addresses.original)) {
            arrived()
            throw ChannelError.alreadyClosed
        }
        let entry = LiveConnection(
            direction: .outbound, client: addresses.client, originalDestination: addresses.original,
            protocolName: "TCP", facts: nil
        )
        let (relay, end) = try prepare(channel, pod, entry)
        // Not redirected, so made by us (the rules pass our mark over) or meant for this very port: it would come back.
        guard addresses.original != addresses.local else {
            end.refused(.recursion)
            return relay.close(.recursion)
        }
        OutboundConnection(
            pod: pod, channel: channel, relay: relay, client: addresses.client, original: addresses.original, end: end
        ).start()
    }

    private func plaintext(_ channel: any Channel, _ pod: PodOnLoop, _ addresses: AcceptedAddresses) throws {
        let entry = LiveConnection(
            direction: .inbound, client: addresses.client, originalDestination: addresses.original,
            protocolName: "TCP",
            facts: ConnectionFacts(source: addresses.client.ip, identity: nil, destination: addresses.original)
        )
        let (relay, end) = try prepare(channel, pod, entry)
        InboundPlaintext(
            pod: pod, relay: relay, client: addresses.client, original: addresses.original, end: end
        ).start()
    }

    private func prepare(
        _ channel: any Channel, _ pod: PodOnLoop, _ entry: LiveConnection
    ) throws -> (Relay, ConnectionEnding) {
        let id: LiveConnections.ID
        do {
            id = try pod.register(entry)
        } catch {
            loop.accessLog.connectionFailed(
                error, source: entry.client, destination: entry.originalDestination,
                reporter: entry.direction == .inbound ? .destination : .source
            )
            throw error
        }
        let end = ConnectionEnding(pod: pod, entry: entry, id: id)
        let relay = Relay(onEnd: { end.ended($0, at: .client) })
        entry.cut = { failure in
            end.note(failure)
            relay.close(failure)
        }
        do {
            try channel.pipeline.syncOperations.addHandler(relay)
        } catch {
            end.refused(.inputOutput(cause: String(describing: error)))
            throw error
        }
        return (relay, end)
    }
}
