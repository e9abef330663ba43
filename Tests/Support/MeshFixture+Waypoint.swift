import Foundation

/// A waypoint as a process in a pod of its own, and HTTP between pods.
extension MeshFixture {
    /// Starts the waypoint of this Gateway in a pod, and waits until it is ready. It ends with what is returned.
    /// Its log tells of requests as of connections, with the caller's name, unless `settings` say otherwise.
    package func startWaypoint(
        _ gateway: String, in pod: String, settings: [String: String] = [:]
    ) async throws -> MeshProcess {
        let plan = try self.plan(pod)
        let token = "\(state)/account-tokens/\(plan.namespace).\(plan.serviceAccount)"
        try await Wait.eventually("the waypoint's token", seconds: 20) {
            FileManager.default.fileExists(atPath: token)
        }
        var environment: [String: String] = [:]
        environment["ACCESS_LOG_ENCODING"] = "FIELDS"
        environment["POD_NAME"] = plan.name
        environment["POD_NAMESPACE"] = plan.namespace
        environment["SERVICE_ACCOUNT"] = plan.serviceAccount
        environment["GATEWAY_NAME"] = gateway
        environment["XDS_ADDRESS"] = "https://10.80.0.1:15012"
        environment["CA_ADDRESS"] = "https://10.80.0.1:15012"
        environment["XDS_ROOT_CA"] = "\(state)/ca.crt"
        environment["CA_ROOT_CA"] = "\(state)/ca.crt"
        environment["AUTH_TOKEN"] = token
        environment.merge(settings) { _, told in told }
        let namespace = try self.namespace(pod)
        let process = try MeshProcess(
            "waypoint", in: namespace, environment: environment, output: "\(directory.path)/\(pod).log",
            [programs.waypoint])
        try await Wait.eventually("the waypoint is ready", seconds: 30, everyMilliseconds: 100) {
            guard process.isRunning else { throw Refused(text: process.output) }
            return try await offload {
                try namespace.runAnyStatus(
                    "curl", "-sS", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready"
                ).output.contains("ready\n")
            }
        }
        return process
    }

    /// Starts a collector of spans in a pod, Tests/Fixtures/Interop/collector.py. Its first line names its ports.
    package func startCollector(in pod: String) async throws -> MeshProcess {
        let setup = "\(programs.checkout)/tools/setup-test-peers"
        let found = try Shell.runAnyStatus([setup, "--where", "collector"])
        guard found.status == 0 else { throw Refused(text: found.output) }
        let python = found.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let process = try MeshProcess(
            "collector in \(pod)", in: try namespace(pod), output: "\(directory.path)/collector-\(pod).log",
            [python, "-B", "\(programs.checkout)/Tests/Fixtures/Interop/collector.py"])
        try await Wait.eventually("the collector of \(pod)", seconds: 20) { process.output.contains("\n") }
        return process
    }

    /// `/metrics` of the proxy that runs in a pod.
    package func metrics(of pod: String) async throws -> [MetricSample] {
        let namespace = try self.namespace(pod)
        let text = try await offload {
            try namespace.run("curl", "-sS", "--max-time", "5", "http://127.0.0.1:15020/metrics")
        }
        return text.split(separator: "\n").compactMap { MetricSample(String($0)) }
    }

    /// Starts a server that answers each request with its head.
    package func serveHTTP(in pod: String, port: Int, status: String = "200 OK") async throws -> MeshProcess {
        let process = try MeshProcess(
            "web server in \(pod)", in: try namespace(pod), output: "\(directory.path)/web-\(pod).log",
            ["python3", programs.web, "serve", "\(port)", status])
        try await Wait.eventually("web server of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Starts a server that answers each request in TLS with its head and the server name of the handshake.
    package func serveSecure(
        in pod: String, port: Int, certificate: String, key: String
    ) async throws -> MeshProcess {
        let process = try MeshProcess(
            "secure server in \(pod)", in: try namespace(pod), output: "\(directory.path)/secure-\(port).log",
            ["python3", programs.web, "secure", "\(port)", certificate, key])
        try await Wait.eventually("secure server of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Starts a server of keys: it answers with what is in `file` by then, over TLS with a certificate for `address` if
    /// there is one, which lies at `file` with `.crt`.
    package func serveKeys(
        in namespace: TestNamespace, port: Int, file: String, securedFor address: String? = nil
    ) async throws -> MeshProcess {
        var command = ["python3", programs.web, "keys", "\(port)", file]
        if let address {
            let (certificate, key) = ("\(file).crt", "\(file).key")
            let make = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2", "-subj", "/CN=keys", "-addext", "subjectAltName=IP:\(address)", "-out", certificate, "-keyout",
                key,
            ]
            if !FileManager.default.fileExists(atPath: certificate) {
                _ = try await offload { try Shell.run(make) }
            }
            command += [certificate, key]
        }
        let process = try MeshProcess("server of keys", in: namespace, output: "\(file).log", command)
        try await Wait.eventually("server of keys") { process.output.contains("serving") }
        return process
    }

    /// Starts the echo for gRPC; other methods answer with what they saw, the pod's name included.
    package func serveGRPC(in pod: String, port: Int) async throws -> MeshProcess {
        let python = try programs.grpcPython()
        let process = try MeshProcess(
            "gRPC server in \(pod)", in: try namespace(pod), output: "\(directory.path)/grpc-\(pod).log",
            [python, programs.grpcServer, "\(port)", pod])
        try await Wait.eventually("gRPC server of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Starts an external authorizer.
    /// - Parameter form: `grpc` or `http`.
    package func serveAuthorizer(_ form: String, in pod: String, port: Int) async throws -> MeshProcess {
        let process = try MeshProcess(
            "\(form) authorizer in \(pod)", in: try namespace(pod), output: "\(directory.path)/\(form)-\(port).log",
            [try programs.grpcPython(), programs.authorizer, form, "\(port)"])
        try await Wait.eventually("\(form) authorizer of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Starts a rate limit service that lets so many requests of each descriptor pass.
    package func serveLimiter(in pod: String, port: Int, limit: Int) async throws -> MeshProcess {
        let process = try MeshProcess(
            "rate limit service in \(pod)", in: try namespace(pod), output: "\(directory.path)/limiter-\(port).log",
            [try programs.grpcPython(), programs.limiter, "\(port)", "\(limit)"])
        try await Wait.eventually("rate limit service of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Runs the gRPC client in a pod to its end; without a method it calls all.
    package func gRPC(_ pod: String, _ arguments: String...) async throws -> Outcome {
        let python = try programs.grpcPython()
        let command = ["ip", "netns", "exec", try namespace(pod).name, "timeout", "60", python, programs.grpcClient]
        return try await offload { try Shell.runAnyStatus(command + arguments) }
    }

    /// Runs one of the HTTP clients in a pod to its end.
    package func web(_ pod: String, _ arguments: String...) async throws -> Outcome {
        let command = ["ip", "netns", "exec", try namespace(pod).name, "python3", programs.web] + arguments
        return try await offload { try Shell.runAnyStatus(command) }
    }

    /// Starts a server that says what it saw, and prints it.
    package func serveEcho(in pod: String, port: Int) async throws -> MeshProcess {
        let process = try MeshProcess(
            "echo server in \(pod)", in: try namespace(pod), output: "\(directory.path)/echo-\(pod).log",
            ["python3", programs.echo, "serve", pod, "\(port)"])
        try await Wait.eventually("echo server of \(pod)") { process.output.contains("serving") }
        return process
    }

    /// Sends requests, given as JSON, from a pod; returns the answers as JSON.
    package func ask(_ requests: String, from pod: String) async throws -> String {
        let path = "\(directory.path)/ask-\(UUID().uuidString).json"
        try requests.write(toFile: path, atomically: true, encoding: .utf8)
        let command = ["ip", "netns", "exec", try namespace(pod).name, "python3", programs.echo, "ask", path]
        let output = try await offload { try Shell.run(command) }
        try FileManager.default.removeItem(atPath: path)
        return output
    }
}
