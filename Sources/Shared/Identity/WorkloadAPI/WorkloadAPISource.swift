import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
package import MeshModel
package import MeshTLS
import MeshWire
package import NIOCore

/// Certificates that an agent of SPIFFE's Workload API gives, SPIRE's for example: it makes the keys, renews in time
/// and says so on a stream, which is kept open. Source: SPIFFE Workload API, sections 4 and 5.
///
/// While the agent is away, what it gave last is used as long as it is valid. What a new answer leaves out, and
/// everything once the agent denies us, is used no more.
package actor WorkloadAPISource: CertificateSource {
    private typealias Transport = HTTP2ClientTransport.Posix

    private struct Made {
        let material: SVIDAnswer.Material
        let certificate: WorkloadCertificate
    }

    private let endpoint: WorkloadAPIEndpoint
    private let group: any EventLoopGroup
    private let log: Logger
    private let wallClock: @Sendable () -> Int64
    private var answer: SVIDAnswer?
    /// The agent's words when it gives us nothing at all.
    private var denial: String?
    /// Why there is no stream.
    private var failure: String?
    /// By identity, made when first asked for.
    private var made: [Identity: Made] = [:]
    private var federated: [String: TrustBundle] = [:]
    private var waiting: [AsyncStream<Never>.Continuation] = []

    /// - Parameters:
    ///   - group: not one of the loops that carry connections.
    ///   - wallClock: Unix time in milliseconds; what certificates are measured by.
    package init(
        _ endpoint: WorkloadAPIEndpoint, group: any EventLoopGroup, log: Logger,
        wallClock: @escaping @Sendable () -> Int64 = { UnixClock.milliseconds() }
    ) {
        self.endpoint = endpoint
        self.group = group
        self.log = log
        self.wallClock = wallClock
    }

    package func certificate(
        for identity: Identity, limit: Duration
    ) async throws(IdentityError) -> WorkloadCertificate {
        if answer == nil, denial == nil, failure == nil { await firstNews(within: limit) }
        if let denial { throw .notGiven(identity: identity, agent: "\(endpoint)", reason: denial) }
        guard let answer else {
            let reason = failure ?? "it has not answered yet"
            throw .unreachable(identity: identity, reason: "the SPIFFE agent at \(endpoint): \(reason)")
        }
        guard let material = answer.svids[identity] else {
            throw .notGiven(identity: identity, agent: "\(endpoint)", reason: answer.absence(of: identity))
        }
        let certificate = try make(identity, of: material)
        guard certificate.notAfterSeconds * 1000 > wallClock() else {
            let reason = failure.map { "it is away: \($0)" } ?? "it has not renewed what it gave"
            throw .unreachable(identity: identity, reason: "the SPIFFE agent at \(endpoint): \(reason)")
        }
        return certificate
    }

    /// Keeps the stream open, and opens it again; returns when its task is cancelled.
    /// - onNews: called when other certificates may be had than before, or some no more.
    package func run(onNews: @escaping @Sendable () async -> Void) async {
        var delay = ReconnectDelay()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do {
                try await stream(onNews)
                fail("it ended the stream")
            } catch let error as RPCError where error.code == .permissionDenied {
                await deny(error.message, onNews)
            } catch {
                fail((error as? RPCError).map { "\($0.code): \($0.message)" } ?? "\(error)")
            }
            // Not after an answer: an agent that answers and ends would be asked without a pause.
            if ContinuousClock.now - start > ReconnectDelay.longest { delay.reset() }
            try? await Task.sleep(for: delay.afterFailure(using: &generator))
        }
    }

    private func stream(_ onNews: @escaping @Sendable () async -> Void) async throws {
        let transport = try Transport(
            target: target, transportSecurity: .plaintext,
            // A path, which would be sent otherwise, is no authority of a URI.
            config: .defaults { $0.http2.authority = "localhost" }, eventLoopGroup: group)
        var options = CallOptions.defaults
        options.maxResponseMessageBytes = WorkloadAPILimits.answerBytesMax
        try await withGRPCClient(transport: transport) { client in
            let agent = SpiffeWorkloadAPI.Client(wrapping: client)
            try await agent.fetchX509SVID(
                X509SVIDRequest(), metadata: ["workload.spiffe.io": "true"], options: options
            ) { response in
                for try await message in response.messages { await self.learn(message, onNews) }
            }
        }
    }

    private var target: any ResolvableTarget {
        switch endpoint {
        case .unix(let path): ResolvableTargets.UnixDomainSocket.unixDomainSocket(path: path)
        case .tcp(let address):
            switch address.ip.family {
            case .v4: ResolvableTargets.IPv4.ipv4(address: "\(address.ip)", port: Int(address.port))
            case .v6: ResolvableTargets.IPv6.ipv6(address: "\(address.ip)", port: Int(address.port))
            }
        }
    }
}

/// What the agent says.
extension WorkloadAPISource {
    private func learn(_ message: X509SVIDResponse, _ onNews: @Sendable () async -> Void) async {
        let answer: SVIDAnswer
        do throws(WorkloadAPIError) {
            answer = try SVIDAnswer(message)
        } catch {
            log.error("an answer of the SPIFFE agent is discarded", metadata: ["reason": "\(error)"])
            failure = "its answer was discarded: \(error)"
            return wakeAll()
        }
        if answer.hasRevocations, self.answer?.hasRevocations != true {
            log.warning("the SPIFFE agent sends revocation lists, which are not looked at")
        }
        if answer.federated != self.answer?.federated {
            federated = bundles(answer.federated)
            made.removeAll()
        }
        made = made.filter { identity, made in answer.svids[identity] == made.material }
        self.answer = answer
        (denial, failure) = (nil, nil)
        log.info("the SPIFFE agent answered", metadata: [
            "svids": "\(answer.svids.count)", "others": "\(answer.otherNames.count)",
            "federated": "\(federated.keys.sorted())",
        ])
        await tell(onNews)
    }

    private func deny(_ message: String, _ onNews: @Sendable () async -> Void) async {
        log.error("the SPIFFE agent gives us nothing", metadata: ["reason": "\(message)"])
        (answer, failure) = (nil, nil)
        made.removeAll()
        federated.removeAll()
        denial = "permission denied: \(message)"
        await tell(onNews)
    }

    private func fail(_ reason: String) {
        guard !Task.isCancelled else { return }
        if reason != failure {
            log.warning("no stream to the SPIFFE agent; what it gave stays in use while it is valid", metadata: [
                "agent": "\(endpoint)", "reason": "\(reason)",
            ])
        }
        failure = reason
        wakeAll()
    }

    private func tell(_ onNews: @Sendable () async -> Void) async {
        wakeAll()
        await onNews()
    }

    private func wakeAll() {
        for end in waiting { end.finish() }
        waiting.removeAll()
    }

    /// Returns when the agent was heard or found away, the time is over, or the caller's task is cancelled.
    private func firstNews(within limit: Duration) async {
        let (silence, end) = AsyncStream.makeStream(of: Never.self)
        waiting.append(end)
        let timer = Task {
            try? await Task.sleep(for: limit)
            end.finish()
        }
        for await _ in silence {}
        timer.cancel()
    }

    private func bundles(_ texts: [String: [UInt8]]) -> [String: TrustBundle] {
        var bundles: [String: TrustBundle] = [:]
        for (name, text) in texts {
            do throws(TLSError) {
                bundles[name] = try TrustBundle(der: text)
            } catch {
                log.error("a foreign trust domain is not trusted: its bundle cannot be used", metadata: [
                    "domain": "\(name)", "reason": "\(error)",
                ])
            }
        }
        return bundles
    }

    private func make(
        _ identity: Identity, of material: SVIDAnswer.Material
    ) throws(IdentityError) -> WorkloadCertificate {
        if let made = made[identity] { return made.certificate }
        do throws(TLSError) {
            var bundles = federated
            bundles[identity.trustDomain] = try TrustBundle(der: material.bundle)
            let certificate = try WorkloadCertificate(
                chainDER: material.chain, key: try PrivateKey.read(pkcs8: material.key), bundles: bundles,
                expecting: identity)
            made[identity] = Made(material: material, certificate: certificate)
            return certificate
        } catch {
            throw .unusable(identity: identity, error)
        }
    }
}

/// Limits of SPIFFE's Workload API.
package enum WorkloadAPILimits {
    /// An SVID with key and bundle takes some 3 KiB: enough for thousands on one node.
    package static let answerBytesMax = 16 * 1024 * 1024
}
