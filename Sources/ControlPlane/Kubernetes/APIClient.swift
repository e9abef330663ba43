internal import AsyncHTTPClient
internal import ControlSources
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Requests to an API server. Each watch has a connection of its own, which is closed with it: on a shared one, a lost
/// connection would be found out by the kernel only, after a quarter of an hour.
final class APIClient: Sendable {
    /// A watch for each kind and what is asked besides.
    private static let connectionsMost = 64
    private static let errorBytesMax = 16 * 1024

    private let configuration: ClusterConfiguration
    private let timing: SourceTiming
    private let http: HTTPClient

    init(_ configuration: ClusterConfiguration, _ timing: SourceTiming) throws(ClusterConfigurationError) {
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
    func close() async { try? await http.shutdown() }

    /// The whole answer, if its status is 200.
    func get(_ path: String, accept: String = "application/json") async throws(APIFailure) -> [UInt8] {
        do {
            return try await Self.bounded(seconds: timing.answerSeconds) { [self] in
                let response = try await response(path, accept)
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
                try await self.response(path, accept)
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

    private func response(_ path: String, _ accept: String) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: configuration.server + path)
        request.headers.add(name: "accept", value: accept)
        request.headers.add(name: "user-agent", value: "apusd")
        if let token = try token() { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await http.execute(request, timeout: .seconds(Int64(timing.answerSeconds)))
        guard response.status == .ok else { throw await failure(response) }
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
        return .of(
            status: status, message: String((tree["message"]?.text ?? "").prefix(300)), retryAfterSeconds: asked)
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
