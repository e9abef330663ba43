import Logging
import MeshModel
import MeshRuntime
import NIOCore
import NIOPosix
import Testing

private let loopback = TransportAddress(IPAddress(v4: 0x7f00_0001), port: 0)

/// Limits that a slow test machine does not reach.
private func patientLimits() -> AdminLimits {
    var limits = AdminLimits()
    limits.headerTimeout = .seconds(60)
    limits.bodyTimeout = .seconds(60)
    limits.shutdownTimeout = .seconds(60)
    return limits
}

/// A server on a free port of loopback, stopped at the end.
private func withServer(
    _ routes: [AdminRoute], limits: AdminLimits = patientLimits(),
    _ body: (AdminServer, UInt16) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = AdminServer(
        routes: routes, group: group, limits: limits,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let bound = try await server.start(on: [loopback])
    do {
        try await body(server, #require(bound.first).port)
        await server.stop()
        try await group.shutdownGracefully()
    } catch {
        await server.stop()
        try await group.shutdownGracefully()
        throw error
    }
}

private let echo = AdminRoute("/echo", methods: [.get, .post]) { request in
    let items = request.queryItems.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    return .text("\(request.method.rawValue) \(items) \(String(decoding: request.body, as: UTF8.self))\n")
}

@Suite("Admin server")
struct AdminServerTests {
    @Test("a page is answered with its length, and the connection serves the next request")
    func keepAlive() async throws {
        try await withServer([echo]) { _, port in
            let client = try await RawClient(port: port)
            try await client.send("GET /echo?a=1&b=%20x%2&c HTTP/1.1\r\nhost: x\r\n\r\n")
            let first = try #require(await client.until { $0.hasSuffix("\n\n") || $0.hasSuffix(" \n") })
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(first.contains("content-type: text/plain; charset=utf-8\r\n"))
            #expect(first.hasSuffix("content-length: 19\r\n\r\nGET a=1;b= x%2;c= \n"))
            try await client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
            let both = try #require(await client.until { $0.hasSuffix("abc\n") })
            #expect(both.hasSuffix("POST  abc\n"))
            await client.close()
        }
    }

    @Test("pipelined requests are answered in order")
    func pipelining() async throws {
        try await withServer([echo]) { _, port in
            let client = try await RawClient(port: port)
            let requests = (0..<5).map { "GET /echo?n=\($0) HTTP/1.1\r\nhost: x\r\n\r\n" }.joined()
            try await client.send(requests)
            let text = try #require(await client.until { $0.contains("n=4 \n") })
            let answers = text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("GET n=") }
            let order = answers.map { $0.dropFirst(6).prefix(1) }
            #expect(order == ["0", "1", "2", "3", "4"])
            await client.close()
        }
    }

    @Test("HEAD has the length and no body; connection: close is honoured")
    func head() async throws {
        try await withServer([echo]) { _, port in
            let client = try await RawClient(port: port)
            try await client.send("HEAD /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let text = try #require(await client.untilClosed())
            #expect(text.contains("content-length: 7\r\n"))
            #expect(text.contains("connection: close\r\n"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("unknown paths are 404, wrong methods 405 with what is allowed")
    func refusals() async throws {
        let below = AdminRoute("/files/*") { .text("below \($0.path)\n") }
        let post = AdminRoute("/post", methods: [.post], usage: "usage: POST /post") { _ in .text("posted\n") }
        try await withServer([below, post]) { _, port in
            for (request, expected) in [
                ("GET /none HTTP/1.0\r\n\r\n", "HTTP/1.0 404 Not Found"),
                ("GET /post HTTP/1.0\r\n\r\n", "HTTP/1.0 405"),
                ("PATCH /post HTTP/1.0\r\n\r\n", "HTTP/1.0 405"),
                ("GET /files/a/b HTTP/1.0\r\n\r\n", "below /files/a/b\n"),
                ("GET /files HTTP/1.0\r\n\r\n", "404"), ("GET /post HTTP/1.0\r\n\r\n", "allow: POST\r\n"),
                ("GET /post HTTP/1.0\r\n\r\n", "usage: POST /post\n"), ("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
            ] {
                let client = try await RawClient(port: port)
                try await client.send(request)
                let text = try #require(await client.untilClosed())
                #expect(text.contains(expected), "\(request): \(text)")
            }
        }
    }

    @Test("headers beyond the limit are refused")
    func largeHeaders() async throws {
        try await withServer([echo]) { _, port in
            let client = try await RawClient(port: port)
            let large = String(repeating: "a", count: 200_000)
            try await client.send("GET /echo HTTP/1.1\r\nx: \(large)\r\n\r\n")
            let text = try #require(await client.untilClosed())
            #expect(!text.contains("200 OK"))
        }
    }

    @Test("a body beyond the limit is refused")
    func largeBody() async throws {
        var limits = patientLimits()
        limits.bodyBytesMax = 10
        try await withServer([echo], limits: limits) { _, port in
            let client = try await RawClient(port: port)
            try await client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n12345678901")
            let text = try #require(await client.untilClosed())
            #expect(text.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("a client that does not finish its headers, or its body, is closed")
    func slowClients() async throws {
        var limits = patientLimits()
        limits.headerTimeout = .milliseconds(100)
        limits.bodyTimeout = .milliseconds(100)
        let quick = limits
        for start in ["", "GET /echo HTTP/1.1\r\nhost:", "POST /echo HTTP/1.1\r\ncontent-length: 5\r\n\r\nab"] {
            try await withServer([echo], limits: quick) { _, port in
                let client = try await RawClient(port: port)
                // The server may have closed already.
                if !start.isEmpty { try? await client.send(start) }
                let text = try #require(await client.untilClosed(), "\(start)")
                #expect(!text.contains("200 OK"))
            }
        }
    }

    @Test("a connection without requests is closed after its idle time")
    func idle() async throws {
        var limits = patientLimits()
        limits.idleTimeout = .milliseconds(100)
        try await withServer([echo], limits: limits) { _, port in
            let client = try await RawClient(port: port)
            try await client.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(try #require(await client.untilClosed()).contains("200 OK"))
        }
    }

    @Test("connections beyond the limit are closed at once and counted; a freed place is used again")
    func connectionLimit() async throws {
        var limits = patientLimits()
        limits.connectionsMax = 2
        try await withServer([echo], limits: limits) { server, port in
            let request = "GET /echo HTTP/1.1\r\nhost: x\r\n\r\n"
            let first = try await RawClient(port: port)
            let second = try await RawClient(port: port)
            for client in [first, second] {
                try await client.send(request)
                _ = try #require(await client.until { $0.contains("200 OK") })
            }
            let third = try await RawClient(port: port)
            #expect(await third.untilClosed() == "")
            #expect(await waited { server.refusedConnections == 1 })
            await first.close()
            var isServed = false
            for _ in 0..<200 where !isServed {
                let next = try await RawClient(port: port)
                try? await next.send(request)
                isServed = await waited(.milliseconds(100)) { next.received.contains("200 OK") }
                await next.close()
            }
            #expect(isServed)
            await second.close()
        }
    }

    @Test("stopping lets a request in progress end, closes idle connections and takes no new ones")
    func stopping() async throws {
        let entered = OneShot()
        let gate = OneShot()
        let slow = AdminRoute("/slow") { _ in
            entered.fire()
            await gate.wait()
            return .text("done\n")
        }
        try await withServer([slow, echo]) { server, port in
            let busy = try await RawClient(port: port)
            try await busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
            await entered.wait()
            let idle = try await RawClient(port: port)
            try await idle.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
            _ = try #require(await idle.until { $0.contains("200 OK") })
            async let stopped: Void = server.stop()
            #expect(await idle.untilClosed() != nil)
            gate.fire()
            let text = try #require(await busy.untilClosed())
            #expect(text.hasSuffix("connection: close\r\n\r\ndone\n"))
            await stopped
            await #expect(throws: (any Error).self) { try await RawClient(port: port) }
        }
    }

    @Test("a handler's task is cancelled when its client goes away")
    func cancellation() async throws {
        let entered = OneShot()
        let cancelled = OneShot()
        let slow = AdminRoute("/slow") { _ in
            entered.fire()
            await OneShot().wait()
            if Task.isCancelled { cancelled.fire() }
            return .text("never\n")
        }
        try await withServer([slow]) { _, port in
            let client = try await RawClient(port: port)
            try await client.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
            await entered.wait()
            await client.close()
            #expect(await waited { cancelled.hasFired })
        }
    }

    @Test("an address in use is an error that names it")
    func addressInUse() async throws {
        try await withServer([echo]) { server, port in
            let taken = TransportAddress(loopback.ip, port: port)
            let other = AdminServer(
                routes: [echo], group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            do throws(AdminServerError) {
                _ = try await other.start(on: [taken])
                Issue.record("two servers listen on \(taken)")
            } catch {
                #expect(error.description.hasPrefix("failed to bind to address 127.0.0.1:\(port): "))
            }
        }
    }
}
