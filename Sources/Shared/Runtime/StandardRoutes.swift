package import MeshTelemetry

/// The pages every daemon has.
package enum StandardRoutes {
    /// `/metrics` and `/stats/prometheus`, any method: the format follows the Accept header.
    package static func metrics(_ registry: MetricsRegistry) -> [AdminRoute] {
        ["/metrics", "/stats/prometheus"].map { path in
            AdminRoute(path, methods: AdminRoute.anyMethod) { request in
                let format = ExpositionFormat(accept: request.headers["accept"])
                let page = await registry.expose(format)
                return AdminResponse(contentType: format.contentType, body: Array(page.utf8))
            }
        }
    }

    /// `POST /logging`: shows or changes the log filter.
    package static func logging(_ output: LogOutput) -> AdminRoute {
        let usage = """
            usage: POST /logging                             shows the log levels
                   POST /logging?level=LEVEL                 LEVEL is trace, debug, info, warn, error or off
                   POST /logging?level=TARGET=LEVEL,...      for single targets
                   POST /logging?reset[&level=...]           back to the levels of the start
            """
        return AdminRoute("/logging", methods: [.post], usage: usage) { request in
            changeLevels(output, request, usage: usage)
        }
    }

    private static func changeLevels(_ output: LogOutput, _ request: AdminRequest, usage: String) -> AdminResponse {
        var filter = output.filter
        for item in request.queryItems {
            switch item.name {
            case "reset": filter = output.initialFilter
            case "level":
                do throws(LogFilterError) {
                    try filter.merge(item.value)
                } catch {
                    return .text("\(error)\n\(usage)\n", status: 400)
                }
            default:
                return .text("expected level or reset, found '\(item.name)'\n\(usage)\n", status: 400)
            }
        }
        if !request.query.isEmpty { output.setFilter(filter) }
        return .text("current log level is \(output.filter)\n")
    }

    /// `POST /quitquitquit`: asks for a graceful stop and answers when it is done.
    package static func quit(_ shutdown: Shutdown) -> AdminRoute {
        AdminRoute("/quitquitquit", methods: [.post], usage: "usage: POST /quitquitquit") { _ in
            shutdown.requested.fire()
            await shutdown.finished.wait()
            return .text("shutdown now\n")
        }
    }

    /// `/`: a list of the pages.
    package static func index(title: String, pages: [(path: String, meaning: String)]) -> AdminRoute {
        let rows = pages.map {
            "<li><a href=\"\(escaped($0.path))\">\(escaped($0.path))</a> \(escaped($0.meaning))</li>\n"
        }
        let page = """
            <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title></head>
            <body><h1>\(escaped(title))</h1><ul>
            \(rows.joined())</ul></body></html>

            """
        return AdminRoute("/", methods: AdminRoute.anyMethod) { _ in
            AdminResponse(contentType: "text/html; charset=utf-8", body: Array(page.utf8))
        }
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": return "&amp;"
            case "<": return "&lt;"
            case ">": return "&gt;"
            case "\"": return "&quot;"
            default: return String(character)
            }
        }.joined()
    }
}
