internal import AsyncHTTPClient
internal import ControlSources
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Requests to an API server: reads, watches, writes. Each watch has a connection of its own, which is closed with it:
/// on a shared one, a lost connection would be found out by the kernel only, after a quarter of an hour.
package final class APIClient: Sendable {
    /// What is asked.
    struct Question: Sendable {
        struct Body: Sendable {
            let contentType: String
            let bytes: [UInt8]
        }

        var method = "GET"
        var path: String
        var accept = "application/json"
        var body: Body?
    }

    /// A watch for each kind and what is asked besides.
    private static let connectionsMost = 64
    private static let errorBytesMax = 16 * 1024

    private let configuration: ClusterConfiguration
    let timing: SourceTiming
    private let http: HTTPClient

    package init(
        _ configuration: ClusterConfiguration, _ timing: SourceTiming = SourceTiming()
    ) throws(ClusterConfigurationError) {
        self.configuration = configuration
        self.timing = timing
        var settings = HTTPClient.Configuration(
            tlsConfiguration: try configuration.tls(), redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(
                connect: .seconds(Int64(timing.connectSeconds)), read: .seconds(Int64(timing.silenceSeconds))))
        settings.httpVersion = .http1Only
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsMost
        http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: settings)
    }

    /// Must be called once, at the end.
    package func close() async { try? await http.shutdown() }

    /// The whole answer, if its status is 200.
    func get(_ path: String, accept: String = "application/json") async throws(APIFailure) -> [UInt8] {
        try await whole(Question(path: path, accept: accept))
    }

    /// The whole answer, if it is one of success.
    /// - Parameter seconds: `nil`: as long as any answer may take.
    func whole(_ question: Question, seconds: Int? = nil) async throws(APIFailure) -> [UInt8] {
        do {
            return try await Self.bounded(seconds: seconds ?? timing.answerSeconds) { [self] in
                let response = try await response(question)
                let body = try await response.body.collect(upTo: timing.answerBytesMax)
                return Array(body.readableBytesView)
            }
        } catch {
            throw Self.failure(error, bytesMax: timing.answerBytesMax)
        }
    }

    /// Gives each piece of an answer that goes on, first an empty one when its head has come. Returns at its end, which
    /// may be silence; throws what `take` throws.
    func stream(
        _ path: String, accept: String, _ take: (ByteBuffer) async throws(APIFailure) -> Void
    ) async throws(APIFailure) {
        var isOpen = false
        do {
            let response = try await Self.bounded(seconds: timing.answerSeconds) { [self] in
                try await self.response(Question(path: path, accept: accept))
            }
            isOpen = true
            try await take(ByteBuffer())
            for try await piece in response.body { try await take(piece) }
        } catch let error as HTTPClientError where isOpen && error == .readTimeout {
            return
        } catch {
            throw Self.failure(error, bytesMax: timing.lineBytesMax)
        }
    }

    private func response(_ question: Question) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: configuration.server + question.path)
        request.method = HTTPMethod(rawValue: question.method)
        request.headers.add(name: "accept", value: question.accept)
        if let body = question.body {
            request.headers.add(name: "content-type", value: body.contentType)
            request.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        request.headers.add(name: "user-agent", value: "apus")
        if let token = try token() { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await http.execute(request, timeout: .seconds(Int64(timing.answerSeconds)))
        let isDone = response.status == .ok || (question.body != nil && (200...202).contains(response.status.code))
        guard isDone else { throw await failure(response) }
        return response
    }

    private func token() throws(APIFailure) -> String? {
        switch configuration.credentials {
        case .none: return nil
        case .token(let token): return token
        case .file(let path):
            do {
                let text = String(decoding: try ClusterConfiguration.read(path), as: UTF8.self)
                return String(text.filter { !$0.isWhitespace })
            } catch {
                throw .connection("\(error)")
            }
        }
    }

    private func failure(_ response: HTTPClientResponse) async -> APIFailure {
        let status = Int(response.status.code)
        let asked = response.headers.first(name: "retry-after").flatMap { Int($0) }
        guard let body = try? await response.body.collect(upTo: Self.errorBytesMax),
            let tree = try? DataTree.json(Array(body.readableBytesView)), tree["kind"]?.text == "Status"
        else {
            return .of(status: status, message: response.status.reasonPhrase, retryAfterSeconds: asked)
        }
        let told = tree["details"]?["retryAfterSeconds"]?.text.flatMap { Int($0) }
        return .of(
            status: status, reason: tree["reason"]?.text ?? "",
            message: String((tree["message"]?.text ?? "").prefix(300)), retryAfterSeconds: asked ?? told)
    }

    private static func bounded<Value: Sendable>(
        seconds: Int, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw APIFailure.timeout
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw APIFailure.timeout }
            return value
        }
    }

    private static func failure(_ error: any Error, bytesMax: Int) -> APIFailure {
        if let failure = error as? APIFailure { return failure }
        if error is NIOTooManyBytesError { return .tooLarge(bytesMax) }
        guard let error = error as? HTTPClientError else { return .connection("\(error)") }
        let timeouts: [HTTPClientError] = [
            .readTimeout, .writeTimeout, .deadlineExceeded, .connectTimeout, .tlsHandshakeTimeout,
            .getConnectionFromPoolTimeout,
        ]
        return timeouts.contains(error) ? .timeout : .connection(error.shortDescription)
    }
}
