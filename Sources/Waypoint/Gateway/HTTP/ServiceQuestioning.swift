internal import MeshModel
internal import NIOCore
internal import WaypointAuthorizer

/// One authorizer, or one rate limit service, asked about one request: first as much of the body is waited for as it
/// gets, then its answer.
final class ServiceQuestioning {
    /// How waiting for a body ends.
    enum BodyOutcome {
        case collected
        case tooLate
        /// Other requests hold too much already.
        case noRoom
    }

    private struct Collecting {
        let bytesMin: Int
        let completion: (BodyOutcome) -> Void
    }

    private let loop: GatewayLoop
    private var collecting: Collecting?
    private var timer: Scheduled<Void>?
    private var request: ServiceRequest?
    private var heldBytes = 0

    init(on loop: GatewayLoop) { self.loop = loop }

    /// More of the request's body is waited for.
    var wantsBody: Bool { collecting != nil }

    /// Waits until a body is whole, or has so many bytes. The completion is called at most once.
    /// - Parameter byteCount: bytes that have come.
    func collect(
        atLeast bytesMin: Int, having byteCount: Int, isWhole: Bool, _ completion: @escaping (BodyOutcome) -> Void
    ) {
        collecting = Collecting(bytesMin: bytesMin, completion: completion)
        timer = loop.eventLoop.assumeIsolated().scheduleTask(in: loop.settings.checkedBodyTimeout) {
            self.collected(.tooLate)
        }
        bodyCame(byteCount, isWhole: isWhole)
    }

    /// - Parameter byteCount: of all that has come.
    func bodyCame(_ byteCount: Int, isWhole: Bool) {
        guard let collecting else { return }
        loop.questions.heldBytes += byteCount - heldBytes
        heldBytes = byteCount
        if loop.questions.heldBytes > loop.settings.checkedBytesMax { return collected(.noRoom) }
        if isWhole || byteCount >= collecting.bytesMin { collected(.collected) }
    }

    private func collected(_ outcome: BodyOutcome) {
        timer?.cancel()
        timer = nil
        let completion = collecting?.completion
        collecting = nil
        completion?(outcome)
    }

    /// The completion is called at most once, perhaps before this returns.
    func ask(
        _ authorizer: Authorizer, about checked: CheckedRequest,
        _ completion: @escaping (Result<AuthorizerVerdict, ServiceFailure>) -> Void
    ) {
        do throws(ServiceFailure) {
            let question = try authorizer.question(about: checked)
            request = ServiceRequest.start(
                question, to: authorizer.target, isGRPC: authorizer.isGRPC,
                within: .nanoseconds(authorizer.timeoutNanoseconds), on: loop
            ) { result in
                completion(
                    result.flatMap { answer in
                        Result { () throws(ServiceFailure) in try authorizer.judge(answer) }
                    })
            }
        } catch {
            completion(.failure(error))
        }
    }

    /// The completion is called at most once, perhaps before this returns.
    func ask(
        _ limit: GlobalRateLimit, about facts: RateLimitFacts,
        _ completion: @escaping (Result<RateLimitVerdict, ServiceFailure>) -> Void
    ) {
        guard let target = limit.target else { return completion(.failure(.unreachable("no service to ask"))) }
        do throws(ServiceFailure) {
            let question = try limit.question(about: facts, to: target)
            request = ServiceRequest.start(
                question, to: target, isGRPC: true, within: TimeAmount(limit.timeout), on: loop
            ) { result in
                completion(
                    result.flatMap { answer in
                        Result { () throws(ServiceFailure) in try limit.judge(answer) }
                    })
            }
        } catch {
            completion(.failure(error))
        }
    }

    /// It is over, or nobody wants to know any more.
    func end() {
        timer?.cancel()
        timer = nil
        collecting = nil
        request?.cancel()
        request = nil
        loop.questions.heldBytes -= heldBytes
        heldBytes = 0
    }
}
