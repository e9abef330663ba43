import Foundation
import MeshTesting
import Testing

/// Programs that others wrote, through both nodes and a waypoint.
extension WaypointTests {
    private static let requests = 4000
    private static let connections = 64

    /// Answers that the waypoint counts, by their status; not those of requests that their caller left.
    private static func answers(_ mesh: MeshFixture, _ status: Int) async throws -> Int {
        let samples = try await mesh.metrics(of: "waypoint-0").filter {
            $0.name == "istio_requests_total" && $0.text.contains("response_code=\"\(status)\"")
        }
        return Int(samples.map(\.value).reduce(0, +))
    }

    /// Runs a load in the caller's pod to its end.
    private static func load(_ mesh: MeshFixture, _ command: [String]) async throws -> String {
        let command = ["ip", "netns", "exec", try mesh.namespace("web").name, "timeout", "120"] + command
        return try await offload { try Shell.runAnyStatus(command) }.output
    }

    private static func number(before words: String, in text: String) -> Int? {
        text.range(of: words).flatMap { Int(text[..<$0.lowerBound].split { !$0.isNumber }.last ?? "") }
    }

    @Test("carries wrk's many connections without an error, and everybody counts the same")
    func wrk() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveLoad(in: "api", port: 7080)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try await Wait.eventually("an answer through the waypoint", seconds: 20) {
                try await mesh.web("web", "get", Self.address, "80", "/first").output.contains("200 OK")
            }
            try await Wait.eventually("its count") { try await Self.answers(mesh, 200) == 1 }
            let output = try await Self.load(
                mesh,
                [
                    "wrk", "-t", "2", "-c", "\(Self.connections)", "-d", "4s", "--timeout", "10s",
                    "http://\(Self.address)/load",
                ])
            #expect(!output.contains("Socket errors") && !output.contains("Non-2xx"), "\(output)")
            let count = try #require(Self.number(before: " requests in", in: output))
            #expect(count > Self.connections, "\(output)")
            // When its time is over, wrk leaves the request that each connection is waiting for.
            let counts = count...(count + Self.connections)
            try await Wait.eventually("the counts of the endpoint: \(counts)") {
                counts.contains(mesh.loadAnswers(in: "api"))
            }
            let counted = try await Self.answers(mesh, 200) - 1
            #expect(counts.contains(counted), "\(counted) of \(counts)")
            #expect(try await Self.answers(mesh, 503) == 0)
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }

    /// HTTP/1.1 on kept connections; HTTP/2, that the endpoint gets as HTTP/1.1; HTTP/2 to both.
    @Test("carries h2load's requests, each exactly once", arguments: [
        (80, ["--h1", "-c", "32"]), (80, ["-c", "8", "-m", "16"]), (82, ["-c", "8", "-m", "32"]),
    ])
    func h2load(port: Int, _ arguments: [String]) async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server =
                try await port == 80
                ? mesh.serveLoad(in: "api", port: 7080) : mesh.serveNginx(in: "api", port: 7082)
            func answered() -> Int { port == 80 ? mesh.loadAnswers(in: "api") : mesh.nginxAnswers(in: "api") }
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let url = "http://\(Self.address):\(port)"
            try await Wait.eventually("an answer", seconds: 20) {
                try await Self.load(mesh, ["h2load", "-n", "1", "\(url)/first"]).contains("1 succeeded")
            }
            try await Wait.eventually("its count") { try await Self.answers(mesh, 200) == 1 }
            let output = try await Self.load(
                mesh, ["h2load", "-n", "\(Self.requests)"] + arguments + ["\(url)/load"])
            let all = Self.requests
            #expect(output.contains("\(all) done, \(all) succeeded, 0 failed, 0 errored, 0 timeout"), "\(output)")
            #expect(output.contains("status codes: \(all) 2xx"), "\(output)")
            try await Wait.eventually("the endpoint has answered \(all)") { answered() == all }
            try await Wait.eventually("the waypoint has counted \(all)") {
                try await Self.answers(mesh, 200) == all + 1
            }
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }

    @Test("carries WebSocket: messages of any size, pings both ways, a pause, and close codes of either side")
    func webSocket() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let python = try mesh.programs.webSocketPython()
            let program = mesh.programs.webSocket
            let server = try MeshProcess(
                "WebSocket server", in: mesh.namespace("api"), output: "\(mesh.directory.path)/websocket.log",
                [python, "-B", program, "serve", "7080"])
            try await Wait.eventually("WebSocket server", seconds: 20) { server.output.contains("serving") }
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let command = [
                "ip", "netns", "exec", try mesh.namespace("web").name, "timeout", "60", python, "-B", program, "talk",
                "ws://\(Self.address)/echo",
            ]
            var output = ""
            try await Wait.eventually("a first connection", seconds: 30) {
                output = try await offload { try Shell.runAnyStatus(command) }.output
                return output.contains("text True")
            }
            #expect(output.split(separator: "\n") == [
                "text True", "ping True", "pinged True", "large True", "fragments True", "after a pause True",
                "closed by the server 4001 enough", "without compression True",
            ])
            try await Wait.eventually("the server sees the caller's code") {
                server.output.contains("closed 4002 bye")
            }
            #expect(waypoint.output.contains("response_code=101"), "it went through the waypoint")
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }
}
