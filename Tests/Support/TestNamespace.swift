import Foundation
package import MeshKernel
package import MeshModel
import Synchronization

/// A network namespace of a test: made with `ip netns`, `lo` up, deleted at the end of its life. Needs root.
package final class TestNamespace: Sendable {
    /// `apust-PID-NUMBER`: a later run sees by the process number which ones nobody needs any more.
    package let name: String
    package let namespace: NetworkNamespace

    package var path: String { "\(Self.directory)/\(name)" }

    private static let directory = "/run/netns"
    private static let prefix = "apust-"
    private static let counter = Atomic<Int>(0)
    /// Once per process, before the first namespace is made.
    private static let sweep: Void = removeStale()

    package init() throws {
        guard geteuid() == 0 else {
            throw NeedsRoot()
        }
        Self.sweep
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        name = "\(Self.prefix)\(ProcessInfo.processInfo.processIdentifier)-\(number)"
        try Shell.run(["ip", "netns", "add", name])
        do {
            namespace = try NetworkNamespace(path: "\(Self.directory)/\(name)")
            try Shell.run(["ip", "-n", name, "link", "set", "lo", "up"])
        } catch {
            _ = try? Shell.run(["ip", "netns", "delete", name])
            throw error
        }
    }

    deinit {
        Self.delete(name)
    }

    /// Runs a program inside.
    @discardableResult
    package func run(_ command: String...) throws -> String {
        try Shell.run(["ip", "netns", "exec", name] + command)
    }

    /// Runs a program inside, whatever its status.
    package func runAnyStatus(_ command: String...) throws -> (status: Int32, output: String) {
        try Shell.runAnyStatus(["ip", "netns", "exec", name] + command)
    }

    /// Joins two namespaces by a veth pair and gives each end its addresses. IPv6 addresses work at once (no
    /// duplicate detection). The prefix length is 24 or 64.
    package static func link(
        _ left: TestNamespace, _ leftDevice: String, _ leftAddresses: [IPAddress],
        _ right: TestNamespace, _ rightDevice: String, _ rightAddresses: [IPAddress]
    ) throws {
        try Shell.run([
            "ip", "-n", left.name, "link", "add", leftDevice, "type", "veth", "peer", "name", rightDevice, "netns",
            right.name,
        ])
        try left.bringUp(leftDevice, leftAddresses)
        try right.bringUp(rightDevice, rightAddresses)
        // Traffic before the carrier is there would be lost.
        try left.waitForCarrier(leftDevice)
        try right.waitForCarrier(rightDevice)
    }

    private func bringUp(_ device: String, _ addresses: [IPAddress]) throws {
        try Shell.run(["ip", "-n", name, "link", "set", device, "up"])
        for address in addresses {
            let text = address.family == .v4 ? "\(address)/24" : "\(address)/64"
            let options = address.family == .v6 ? ["nodad"] : []
            try Shell.run(["ip", "-n", name, "address", "add", text, "dev", device] + options)
        }
    }

    private func waitForCarrier(_ device: String) throws {
        try Wait.until("carrier on \(device) in \(name)") {
            try Shell.run(["ip", "-n", name, "-o", "link", "show", device]).contains("LOWER_UP")
        }
    }

    private static func delete(_ name: String) {
        guard (try? Shell.run(["ip", "netns", "delete", name])) == nil else { return }
        // In another mount namespace only an empty file is left of it.
        try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }

    private static func removeStale() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let parts = name.dropFirst(prefix.count).split(separator: "-")
            guard parts.count == 2, let process = Int32(parts[0]),
                !FileManager.default.fileExists(atPath: "/proc/\(process)")
            else { continue }
            // A test process that was killed leaves its children behind.
            let children = (try? Shell.run(["ip", "netns", "pids", name])) ?? ""
            for child in children.split(separator: "\n").compactMap({ Int32($0) }) { kill(child, SIGKILL) }
            delete(name)
        }
    }

    package struct NeedsRoot: Error, CustomStringConvertible {
        package var description: String {
            "expected to run as root (network namespaces, nftables), found another user; run the tests with sudo"
        }
    }
}
