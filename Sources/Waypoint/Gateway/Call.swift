internal import HBONE
internal import MeshModel
internal import MeshPolicy
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// Who opened a CONNECT stream, and what it said.
struct Caller {
    /// Proven by mutual TLS.
    let identity: Identity
    /// The TCP peer: the caller's pod.
    let client: TransportAddress
    let request: ConnectRequest
}

/// One CONNECT: found to be ours, judged, then carried as requests or as bytes. Lives until its stream ends.
final class Call {
    let loop: GatewayLoop
    let caller: Caller
    let target: CallTarget
    /// What policy judges.
    let facts: ConnectionFacts
    private let stream: HBONEStream
    private var number: Int?
    private var channel: TunnelStreamChannel?
    private var passage: TCPPassage?
    private weak var door: RequestDoor?

    static func start(
        _ stream: HBONEStream, from caller: Caller, at local: TransportAddress, on loop: GatewayLoop
    ) {
        func refuse(_ status: Int, _ failure: ConnectionFailure) {
            stream.refuse(status: status)
            loop.accessLog.connectionFailed(
                failure, source: caller.client, destination: local, reporter: .destination)
        }
        do throws(CallRefusal) {
            let router = CallRouter(world: loop.world, settings: loop.settings)
            let target = try router.target(authority: caller.request.authority)
            let address = target.address ?? local.ip
            let facts = ConnectionFacts(
                source: caller.client.ip, identity: caller.identity,
                destination: TransportAddress(address, port: target.port))
            if case .denied(let denial) = loop.policies.decide(facts) {
                throw CallRefusal(status: 401, failure: denial.failure)
            }
            let call = Call(stream, caller, target, facts, loop)
            do throws(ConnectionFailure) {
                call.number = try loop.register(call)
            } catch {
                throw CallRefusal(status: 503, failure: error)
            }
            call.begin()
        } catch {
            refuse(error.status, error.failure)
        }
    }

    private init(
        _ stream: HBONEStream, _ caller: Caller, _ target: CallTarget, _ facts: ConnectionFacts, _ loop: GatewayLoop
    ) {
        self.stream = stream
        self.caller = caller
        self.target = target
        self.facts = facts
        self.loop = loop
    }

    private func begin() {
        switch Treatment(target) {
        case .opaque: connectFirst()
        case .http, .detect: detect()
        }
    }

    /// Bytes as they are: the caller is told 200 only once an endpoint is there.
    private func connectFirst() {
        let passage = TCPPassage(self)
        self.passage = passage
        UpstreamSearch(for: self).start { result in
            switch result {
            case .failure(let failure):
                self.stream.refuse(status: 503)
                passage.failed(failure)
                self.over()
            case .success(let upstream):
                guard self.stream.isOpen, self.number != nil else {
                    upstream.drop()
                    passage.failed(.clientDisconnected)
                    return self.over()
                }
                self.stream.accept(baggage: nil)
                self.open { passage.join(upstream, on: $0) }
            }
        }
    }

    /// The first bytes say what they are.
    private func detect() {
        stream.accept(baggage: nil)
        open { channel in
            let detector = ProtocolDetector(within: self.loop.settings.detectionTimeout) { treatment in
                switch treatment {
                case .http: self.serveRequests(on: channel)
                case .opaque, .detect: self.passBytes(on: channel)
                }
            }
            try? channel.pipeline.syncOperations.addHandler(detector)
        }
    }

    private func open(_ initializer: (TunnelStreamChannel) -> Void) {
        do {
            let address = try? SocketAddress(caller.client)
            let channel = try stream.makeChannel(remoteAddress: address) { channel in
                self.channel = channel
                channel.closeFuture.assumeIsolated().whenComplete { _ in self.over() }
                initializer(channel)
            }
            self.channel = channel
        } catch {
            over()
        }
    }

    private func passBytes(on channel: TunnelStreamChannel) {
        let passage = TCPPassage(self)
        self.passage = passage
        passage.prepare(on: channel)
        UpstreamSearch(for: self).start { result in
            switch result {
            case .failure(let failure):
                passage.failed(failure)
                channel.abort()
            case .success(let upstream):
                guard channel.isActive else {
                    upstream.drop()
                    return passage.failed(.clientDisconnected)
                }
                passage.join(upstream)
            }
        }
    }

    private func serveRequests(on channel: TunnelStreamChannel) {
        let door = RequestDoor(call: self)
        self.door = door
        do {
            try door.install(on: channel)
        } catch {
            channel.abort()
        }
    }

    /// No more requests after the one that runs; bytes run on to their end.
    func drain() {
        door?.drain()
    }

    /// Ends it now.
    func cut(_ failure: ConnectionFailure) {
        passage?.cut(failure)
        if let channel { channel.abort() } else { stream.refuse(status: failure.flag == .denied ? 401 : 503) }
        over()
    }

    private func over() {
        guard let number else { return }
        self.number = nil
        passage = nil
        loop.removeCall(number)
    }
}
