import Foundation

/// Where the programs under test and the programs of the tests are.
package struct MeshPrograms: Sendable {
    package let apusd: String
    package let ztunnel: String
    package let apus: String
    package let waypoint: String
    /// The applications: Tests/Fixtures/Programs/traffic.py.
    package let traffic: String
    /// Requests all the time: Tests/Fixtures/Programs/load.py.
    package let load: String
    /// Applications that speak HTTP: Tests/Fixtures/Programs/web.py.
    package let web: String
    /// Applications of the conformance tests: Tests/Fixtures/Programs/echo.py.
    package let echo: String
    /// The echo for gRPC and its caller, for the Python of ``grpcPython()``.
    package let grpcServer: String
    package let grpcClient: String
    /// WebSocket applications, for the Python of ``webSocketPython()``.
    package let webSocket: String
    /// External authorizers; the one for gRPC needs the Python of ``grpcPython()``.
    package let authorizer: String
    /// A rate limit service, for the Python of ``grpcPython()``.
    package let limiter: String
    /// Plays machines and containers: Tests/Fixtures/Programs/runtime.py.
    package let runtime: String
    /// Of the built programs.
    private let directory: String
    private let setup: String
    /// The folder with Package.swift.
    package let checkout: String

    /// From `APUS_BIN`, else from beside the running test bundle.
    package init() throws {
        let environment = ProcessInfo.processInfo.environment["APUS_BIN"]
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        directory = environment ?? URL(fileURLWithPath: bundle).deletingLastPathComponent().path
        apusd = try Self.find("apusd", in: directory)
        ztunnel = try Self.find("ztunnel", in: directory)
        apus = try Self.find("apus", in: directory)
        waypoint = try Self.find("waypoint", in: directory)
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        traffic = tests.appendingPathComponent("Fixtures/Programs/traffic.py").path
        load = tests.appendingPathComponent("Fixtures/Programs/load.py").path
        checkout = tests.deletingLastPathComponent().path
        web = tests.appendingPathComponent("Fixtures/Programs/web.py").path
        echo = tests.appendingPathComponent("Fixtures/Programs/echo.py").path
        grpcServer = tests.appendingPathComponent("Fixtures/Programs/grpc-server.py").path
        grpcClient = tests.appendingPathComponent("Fixtures/Programs/grpc-client.py").path
        webSocket = tests.appendingPathComponent("Fixtures/Programs/websocket.py").path
        authorizer = tests.appendingPathComponent("Fixtures/Programs/authorizer.py").path
        limiter = tests.appendingPathComponent("Fixtures/Programs/limiter.py").path
        runtime = tests.appendingPathComponent("Fixtures/Programs/runtime.py").path
        setup = tests.deletingLastPathComponent().appendingPathComponent("tools/setup-test-peers").path
    }

    private static func find(_ name: String, in directory: String) throws -> String {
        let path = "\(directory)/\(name)"
        guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing(path: path) }
        return path
    }

    /// The CNI plugin.
    package func plugin() throws -> String { try Self.find("apus-cni", in: directory) }

    /// A Python that has WebSocket.
    package func webSocketPython() throws -> String {
        try Shell.run([setup, "--where", "websockets"]).trimmingCharacters(in: .newlines)
    }

    /// A Python that has gRPC.
    package func grpcPython() throws -> String {
        try Shell.run([setup, "--where", "grpc"]).trimmingCharacters(in: .newlines)
    }

    package struct Missing: Error, CustomStringConvertible {
        package let path: String
        package var description: String {
            "expected the program \(path), found none; build it with 'swift build --build-tests' or name the "
                + "directory with APUS_BIN"
        }
    }
}
