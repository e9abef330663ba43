import Foundation
import MeshTesting
import Testing

/// The systemd unit of nodes without Kubernetes.
@Suite("The systemd unit")
struct NodeUnitTests {
    private let path = "deploy/systemd/ztunnel@.service"

    private func settings() throws -> [String: String] {
        let pairs = try Repository.text(path).split(separator: "\n").compactMap { line -> (String, String)? in
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { return nil }
            return (String(line[..<equals]), String(line[line.index(after: equals)...]))
        }
        return Dictionary(pairs) { $0 + " " + $1 }
    }

    @Test("systemd understands every line of it", .enabled(if: Repository.systemdAnalyze != nil))
    func verified() throws {
        let folder = try TemporaryDirectory()
        // It checks that the program is there.
        let unit = try Repository.text(path).replacing("/usr/local/bin/ztunnel", with: "/bin/true")
        let file = "\(folder.path)/ztunnel@.service"
        try unit.write(toFile: file, atomically: true, encoding: .utf8)
        let analyze = try #require(Repository.systemdAnalyze)
        let (status, output) = try Shell.runAnyStatus([analyze, "verify", file])
        let complaints = output.split(separator: "\n").filter { $0.contains("ztunnel@") }
        #expect(status == 0 && complaints.isEmpty, "\(output)")
        try (unit + "\nNoSuchSetting=1\n").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try Shell.runAnyStatus([analyze, "verify", file]).output.contains("NoSuchSetting"))
    }

    @Test("it grants what the DaemonSet grants, and no more")
    func capabilities() throws {
        let settings = try settings()
        let capabilities = settings["CapabilityBoundingSet"]?.split(separator: " ").map { $0.dropFirst(4) }
        #expect(capabilities == ["NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"])
        #expect(settings["NoNewPrivileges"] == "yes" && settings["ProtectSystem"] == "strict")
        // Attached pods outlive a restart.
        #expect(settings["RuntimeDirectoryPreserve"] == "yes")
        // What has handed over ends in order and must not take the node back.
        #expect(settings["Restart"] == "on-failure")
    }

    @Test("the daemon knows every setting of the example")
    func environment() throws {
        let help = try Shell.run([try MeshPrograms().ztunnel, "--help"])
        let names = try Repository.text("deploy/systemd/ztunnel.env").split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: "=").first }
        #expect(names.count >= 5)
        for name in names { #expect(help.contains(name), "\(name)") }
    }
}
