import Foundation
import Logging
import MeshTesting
import NodeCNI
import Testing

@testable import ZtunnelNode

@Suite("The plugin in a node's networks")
struct NetworkKeeperTests {
    private static let calico =
        "{\n  \"name\": \"n\",\n  \"plugins\": [ {\"type\":\"calico\", \"mtu\": 0} ], \"x\": 1\n}\n"

    private let directory: TemporaryDirectory
    private let list: String

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["net.d", "bin"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory.path)/\(name)", withIntermediateDirectories: false)
        }
        try "program".write(toFile: "\(directory.path)/source", atomically: false, encoding: .utf8)
        list = "\(directory.path)/net.d/10-calico.conflist"
    }

    private func installation(removesAtEnd: Bool = false) -> NetworkInstallation {
        NetworkInstallation(
            configurationDirectory: "\(directory.path)/net.d", programDirectory: "\(directory.path)/bin",
            program: "\(directory.path)/source", settings: PluginSettings(), removesAtEnd: removesAtEnd)
    }

    private func write(_ text: String) throws {
        try text.write(toFile: list, atomically: false, encoding: .utf8)
    }

    private var text: String { (try? String(contentsOfFile: list, encoding: .utf8)) ?? "" }

    private var isInstalled: Bool {
        (try? NetworkList(Array(text.utf8)))?.state(of: PluginSettings()) == .installed
    }

    /// Runs `body` beside a keeper.
    private func keeping(_ installation: NetworkInstallation, _ body: () async throws -> Void) async throws {
        let keeper = NetworkKeeper(installation, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
        keeper.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        try await offload { keeper.stop() }
        try result.get()
    }

    @Test("program and list are put there and stay at the end; an uninstall gives back every byte")
    func installs() async throws {
        try write(Self.calico)
        try Shell.run(["chmod", "640", list])
        try await keeping(installation()) {
            try await Wait.eventually("installed") { isInstalled }
        }
        #expect(isInstalled, "an upgrade leaves it")
        #expect(try Shell.run(["stat", "-c", "%a", list]) == "640\n")
        let program = "\(directory.path)/bin/apus-cni"
        #expect(FileManager.default.isExecutableFile(atPath: program))
        try installation().remove()
        #expect(text == Self.calico)
        #expect(!FileManager.default.fileExists(atPath: program))
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/net.d")
        #expect(left == ["10-calico.conflist"])
    }

    @Test("what somebody edits or writes anew is repaired, and waits for a network that comes late")
    func repairs() async throws {
        try await keeping(installation(removesAtEnd: true)) {
            try write(Self.calico)
            try await Wait.eventually("installed when the network has come") { isInstalled }
            for edited in [Self.calico, "{\"name\":\"other\",\"plugins\":[{\"type\":\"cilium\"}]}"] {
                try write(edited)
                try await Wait.eventually("repaired") { isInstalled }
                #expect(text.contains(edited.contains("cilium") ? "cilium" : "calico"))
            }
            // Half a file of a writer that does not rename: left alone until it is whole.
            try write("{\"name\":\"n\",\"plugins\":[{\"type\":\"cal")
            try write(Self.calico)
            try await Wait.eventually("repaired again") { isInstalled }
        }
        #expect(text == Self.calico, "removed at the end")
    }

    @Test("a fight is slowed down, and forgotten")
    func pace() {
        var pace = RepairPace()
        let start = ContinuousClock.now
        #expect(pace.delay(at: start) == RepairPace.shortest)
        var delays: [Duration] = []
        for second in 0..<20 {
            pace.repaired(at: start + .seconds(second))
            delays.append(pace.delay(at: start + .seconds(second)))
        }
        #expect(delays[0] == .milliseconds(200) && delays[1] == .milliseconds(400) && delays[19] == RepairPace.longest)
        #expect(delays == delays.sorted() && pace.count == 20)
        #expect(pace.delay(at: start + .seconds(700)) == RepairPace.shortest && pace.count == 0)
    }
}
