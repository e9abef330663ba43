import Foundation

/// Waypoints that apusd runs, and requests under way while they come and go.
extension MeshFixture {
    /// Addresses of the waypoints; the second node has a route to it.
    package static let waypointBlock = "10.80.9.0/24"

    var waypointArguments: [String] {
        guard plan.runsWaypoints else { return [] }
        return ["--waypoints", "--waypoint-addresses", Self.waypointBlock, "--status", statuses]
    }

    /// A Gateway of namespace `shop`; `listener` stands in its list.
    package func gateway(
        _ name: String, listener: String = "{ name: mesh, port: 15008, protocol: HBONE }"
    ) throws {
        try write(
            "gateway-\(name)",
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: { name: \(name), namespace: shop }
            spec:
              gatewayClassName: istio-waypoint
              listeners: [ \(listener) ]

            """)
    }

    /// The status file of a Gateway; empty when there is none.
    package func gatewayStatus(_ name: String) -> String { text("status/Gateway/shop/\(name).yaml") }

    /// Waits until a Gateway's waypoint takes traffic.
    package func untilProgrammed(_ name: String, seconds: Double = 60) async throws {
        do {
            try await Wait.eventually("waypoint \(name) is programmed", seconds: seconds, everyMilliseconds: 50) {
                isProgrammed(name)
            }
        } catch {
            let log = text("state/waypoints/shop.\(name).log").split(separator: "\n").suffix(12)
            throw StepFailure(cause: "\(error)\n\(gatewayStatus(name))", logs: log.joined(separator: "\n"))
        }
    }

    package func isProgrammed(_ name: String) -> Bool {
        gatewayStatus(name).contains("type: Programmed\n      status: \"True\"")
    }

    /// The process that runs as a Gateway's waypoint.
    package func waypointProcess(_ name: String) -> Int32? {
        text("state/waypoints/shop.\(name).process").split(separator: " ").first.flatMap { Int32($0) }
    }

    /// Whether a process runs; one that has ended and was not waited for does not.
    package func isAlive(_ process: Int32) -> Bool {
        FileManager.default.contents(atPath: "/proc/\(process)/cmdline").map { !$0.isEmpty } ?? false
    }

    /// Devices that apusd has made on its node.
    package func waypointDevices() async throws -> [String] {
        let node = nodes[0]
        let list = try await offload { try node.run("ip", "-o", "link") }
        return list.split(separator: "\n").map(String.init).filter { $0.contains(": apw") }
    }

    /// Starts a server of HTTP with connections that live on; how much it answers says ``loadAnswers(in:)``.
    package func serveLoad(in pod: String, port: Int) async throws -> MeshProcess {
        let namespace = try self.namespace(pod)
        let process = try MeshProcess(
            "server of the load in \(pod)", in: namespace, output: "\(directory.path)/load-\(pod).log",
            ["python3", programs.load, "serve", "\(port)", "\(directory.path)/load-\(pod).json"])
        // Its log may tell of an earlier one.
        try await Wait.eventually("server of the load in \(pod)") {
            try await offload { try namespace.run("ss", "-Hltn") }.contains(":\(port) ")
        }
        return process
    }

    /// How many requests for `/load` the server of the load in a pod has answered.
    package func loadAnswers(in pod: String) -> Int {
        let data = FileManager.default.contents(atPath: "\(directory.path)/load-\(pod).json") ?? Data()
        return (try? JSONDecoder().decode([String: Int].self, from: data))?["answers"] ?? 0
    }

    /// Starts nginx for HTTP/2 without TLS; it answers every request with a short text.
    package func serveNginx(in pod: String, port: Int) async throws -> MeshProcess {
        let folder = "\(directory.path)/nginx-\(pod)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
        let configuration = """
            daemon off;
            master_process off;
            pid \(folder)/pid;
            events { worker_connections 1024; }
            http {
                \(temporary.joined(separator: "\n    "))
                access_log \(folder)/access.log;
                keepalive_requests 1000000;
                server {
                    listen \(port) http2;
                    location / { return 200 "ok\\n"; }
                }
            }

            """
        try configuration.write(toFile: "\(folder)/nginx.conf", atomically: false, encoding: .utf8)
        let namespace = try self.namespace(pod)
        let process = try MeshProcess(
            "nginx in \(pod)", in: namespace, output: "\(folder)/output",
            ["nginx", "-p", folder, "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"])
        try await Wait.eventually("nginx in \(pod)") {
            try await offload { try namespace.run("ss", "-Hltn") }.contains(":\(port) ")
        }
        return process
    }

    /// How many requests for `/load` nginx in a pod has answered with 200.
    package func nginxAnswers(in pod: String) -> Int {
        text("nginx-\(pod)/access.log").split(separator: "\n").count { $0.contains("\"GET /load HTTP/2.0\" 200 ") }
    }

    /// Sends that many requests a second, over connections that live on and over new ones.
    /// - Parameters:
    ///   - fresh: of twenty requests, those that have a connection of their own.
    ///   - seconds: how long connections live; `nil`: until the end.
    package func load(
        from pod: String, to host: String, port: Int, perSecond: Int, fresh: Int = 2, seconds: Int? = nil
    ) throws -> RequestLoad {
        let path = "\(directory.path)/load-\(UUID().uuidString.prefix(8)).json"
        let process = try MeshProcess(
            "load from \(pod)", in: try namespace(pod), output: "\(path).log",
            ["python3", programs.load, "run", host, "\(port)", "\(perSecond)", path, "\(fresh)"]
                + (seconds.map { ["\($0)"] } ?? []))
        return RequestLoad(process: process, path: path)
    }
}

/// Requests that are sent all the time.
package struct RequestLoad: Sendable {
    package struct Counts: Codable, Hashable, Sendable {
        package let answered: Int
        /// Of those, the ones that came through a waypoint.
        package let through: Int
        package let failed: Int
        /// Words of the first failures.
        package let reasons: [String]
    }

    let process: MeshProcess
    let path: String

    /// What came of the requests until now.
    package var counts: Counts {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(Counts.self, from: $0) }
            ?? Counts(answered: 0, through: 0, failed: 0, reasons: [])
    }

    /// Waits until so many more were answered; throws when the program has ended.
    package func expectAnswers(_ count: Int, seconds: Double = 60) async throws {
        let before = counts.answered
        try await Wait.eventually("\(count) more answers", seconds: seconds) {
            guard process.isRunning else { throw SteadyConnection.Broken(text: process.output) }
            return counts.answered >= before + count
        }
    }

    /// Lets it go on for that long; throws when the program has ended.
    package func goOn(seconds: Double) async throws {
        let end = Date().addingTimeInterval(seconds)
        try await Wait.eventually("\(seconds) s of load", seconds: seconds + 10, everyMilliseconds: 50) {
            guard process.isRunning else { throw SteadyConnection.Broken(text: process.output) }
            return Date() >= end
        }
    }

    /// Ends it and says what came of all requests.
    package func finish() async -> Counts {
        await process.stop()
        return counts
    }
}
