import MeshRuntime
import MeshTelemetry
import Testing

@Suite("Standard pages")
struct StandardRouteTests {
    private func text(_ response: AdminResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    private func output() -> LogOutput { LogOutput(sink: LineSink { _ in }) }

    @Test("readiness names what is pending, sorted, until nothing is")
    func readiness() async {
        let readiness = Readiness(pending: ["state manager", "proxy", "dns proxy"])
        let request = AdminRequest(method: .get, path: "/healthz/ready")
        readiness.done("proxy")
        var response = await readiness.route.handle(request)
        #expect(response.status == 500)
        #expect(text(response) == "not ready, pending: dns proxy, state manager\n")
        readiness.done("dns proxy")
        readiness.done("state manager")
        readiness.done("state manager")
        response = await readiness.route.handle(request)
        #expect(response.status == 200)
        #expect(text(response) == "ready\n")
        readiness.undone("proxy")
        #expect(!readiness.isReady)
        #expect(readiness.pending == ["proxy"])
    }

    @Test("the logging page shows, changes, merges and resets levels")
    func logging() async {
        let output = output()
        let route = StandardRoutes.logging(output)
        for (query, expected) in [
            ("", "info"), ("level=debug", "debug"), ("level=xds=trace,access=off", "debug,access=off,xds=trace"),
            ("reset", "info"), ("reset&level=pool%3Dwarn", "info,pool=warn"),
        ] {
            let response = await route.handle(AdminRequest(method: .post, path: "/logging", query: query))
            #expect(response.status == 200)
            #expect(text(response) == "current log level is \(expected)\n", "\(query)")
            #expect(output.filter.description == expected)
        }
    }

    @Test(
        "a wrong level is refused and changes nothing",
        arguments: ["level=loud", "level=xds", "leve=info", "level=a=b=c"])
    func wrongLevel(query: String) async {
        let output = output()
        let response = await StandardRoutes.logging(output).handle(
            AdminRequest(method: .post, path: "/logging", query: query))
        #expect(response.status == 400)
        #expect(text(response).contains("usage: POST /logging"))
        #expect(output.filter == LogFilter())
    }

    @Test("metrics follow the Accept header on both paths")
    func metrics() async {
        let routes = StandardRoutes.metrics(MetricsRegistry())
        #expect(routes.map(\.path) == ["/metrics", "/stats/prometheus"])
        for route in routes {
            let open = await route.handle(
                AdminRequest(method: .get, path: route.path, headers: ["accept": "application/openmetrics-text"]))
            #expect(open.contentType.hasPrefix("application/openmetrics-text"))
            #expect(text(open).hasSuffix("# EOF\n"))
            let plain = await route.handle(AdminRequest(method: .get, path: route.path))
            #expect(plain.contentType.hasPrefix("text/plain"))
        }
    }

    @Test("quitquitquit asks for the stop and answers when it is done")
    func quit() async {
        let shutdown = Shutdown()
        async let response = StandardRoutes.quit(shutdown).handle(AdminRequest(method: .post, path: "/quitquitquit"))
        await shutdown.requested.wait()
        shutdown.finished.fire()
        #expect(await text(response) == "shutdown now\n")
    }

    @Test("the index escapes what it shows")
    func index() async {
        let route = StandardRoutes.index(title: "a<b", pages: [(path: "/x?a=1&b=\"2\"", meaning: "m > n")])
        let page = text(await route.handle(AdminRequest(method: .get, path: "/")))
        #expect(page.contains("<h1>a&lt;b</h1>"))
        #expect(page.contains(#"<a href="/x?a=1&amp;b=&quot;2&quot;">"#))
        #expect(page.contains("m &gt; n"))
    }
}

@Suite("One-shot events")
struct OneShotTests {
    @Test("all who wait are woken, and who comes later does not wait")
    func firing() async {
        let event = OneShot()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await event.wait() } }
            event.fire()
            event.fire()
        }
        await event.wait()
        #expect(event.hasFired)
    }

    @Test("a cancelled waiter returns")
    func cancellation() async {
        let event = OneShot()
        let task = Task { await event.wait() }
        task.cancel()
        await task.value
        #expect(!event.hasFired)
    }
}
