internal import FoundationEssentials
internal import MeshKernel

/// Finds the network namespaces of pods that run already, by their processes. The root is /proc, or where the host's
/// /proc is mounted.
package struct ProcessScan: Sendable {
    /// A pod's namespace and one of its processes. The oldest comes first: it holds the pod's sandbox.
    struct Finding: Sendable {
        let namespace: NetworkNamespace
        let path: String
        let startTime: UInt64
    }

    /// Process 1 is of the host.
    private static let hostProcess = 1

    let root: String

    package init(root: String) { self.root = root }

    /// By pod uid, each namespace once, the one of the oldest process first. Processes in the host's namespace are
    /// passed over, and such as end meanwhile.
    /// Errors: the host's own namespace cannot be told.
    @concurrent
    func findings(of uids: Set<String>) async throws -> [String: [Finding]] {
        let host = try NetworkNamespace(path: "\(root)/\(Self.hostProcess)/ns/net").identity
        var found: [String: [Finding]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: root) {
            guard let process = Int(name), let uid = uid(of: process), uids.contains(uid),
                let start = startTime(of: process),
                let namespace = try? NetworkNamespace(path: "\(root)/\(process)/ns/net"), namespace.identity != host
            else { continue }
            found[uid, default: []].append(
                Finding(namespace: namespace, path: "\(root)/\(process)/ns/net", startTime: start))
        }
        return found.mapValues { findings in
            var seen: Set<NamespaceIdentity> = []
            return findings.sorted { $0.startTime < $1.startTime }
                .filter { seen.insert($0.namespace.identity).inserted }
        }
    }

    private func uid(of process: Int) -> String? {
        text("\(process)/cgroup").flatMap(PodCgroup.uid(in:))
    }

    /// Field 22 of /proc/PID/stat, counted behind the name in brackets, which may hold anything. proc_pid_stat(5).
    private func startTime(of process: Int) -> UInt64? {
        guard let text = text("\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[end...].dropFirst().split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    private func text(_ name: String) -> String? {
        guard let bytes = try? SmallFile.read("\(root)/\(name)") else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
