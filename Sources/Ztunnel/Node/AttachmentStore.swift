internal import FoundationEssentials
internal import MeshKernel
internal import MeshModel

/// Which pods are attached, on disk, so that a restarted daemon finds their namespaces again. One line a pod:
/// `NAMESPACE/NAME`, device, inode and path of its network namespace, separated by tabs. The name of a pod that a
/// container runtime announced is followed by `@` and its sandbox, `UID@CONTAINER`.
struct AttachmentStore: Sendable {
    struct Entry: Hashable, Sendable {
        var pod: PodKey
        var identity: NamespaceIdentity
        var path: String
        /// `nil` for a pod that a person attached.
        var sandbox: PodSandbox?
    }

    let path: String

    /// What was stored; nothing when there is no file yet. Lines that cannot be read are skipped: the pod has to be
    /// attached again, which `apus status` shows.
    func load() -> [Entry] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap(Self.parse)
    }

    /// Replaces the file as a whole.
    func save(_ entries: [Entry]) throws {
        let lines = entries.sorted { $0.pod < $1.pod }.map { entry in
            "\(Self.name(entry))\t\(entry.identity.device)\t\(entry.identity.inode)\t\(entry.path)\n"
        }
        try Data(lines.joined().utf8).write(to: URL(filePath: path), options: .atomic)
    }

    /// As if nothing had ever been stored.
    func remove() throws {
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    private static func parse(_ line: Substring) -> Entry? {
        let words = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, let (pod, sandbox) = names(words[0]), let device = UInt64(words[1]),
            let inode = UInt64(words[2])
        else { return nil }
        return Entry(pod: pod, identity: NamespaceIdentity(device: device, inode: inode), path: String(words[3]),
            sandbox: sandbox)
    }

    private static func name(_ entry: Entry) -> String {
        entry.sandbox.map { "\(entry.pod)@\($0.uid)@\($0.container)" } ?? entry.pod.description
    }

    private static func names(_ word: Substring) -> (PodKey, PodSandbox?)? {
        let parts = word.split(separator: "@", omittingEmptySubsequences: false)
        guard let pod = PodKey(parts[0]) else { return nil }
        if parts.count == 1 { return (pod, nil) }
        guard parts.count == 3 else { return nil }
        return (pod, PodSandbox(pod: pod, uid: String(parts[1]), container: String(parts[2])))
    }
}
