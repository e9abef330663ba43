internal import FoundationEssentials
internal import MeshKernel
internal import MeshModel

/// Which pods are attached, on disk, so that a restarted daemon finds their namespaces again. One line a pod:
/// `NAMESPACE/NAME`, device, inode and path of its network namespace, separated by tabs.
struct AttachmentStore: Sendable {
    struct Entry: Hashable, Sendable {
        var pod: PodKey
        var identity: NamespaceIdentity
        var path: String
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
            "\(entry.pod)\t\(entry.identity.device)\t\(entry.identity.inode)\t\(entry.path)\n"
        }
        try Data(lines.joined().utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private static func parse(_ line: Substring) -> Entry? {
        let words = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, let pod = PodKey(words[0]), let device = UInt64(words[1]), let inode = UInt64(words[2])
        else { return nil }
        return Entry(pod: pod, identity: NamespaceIdentity(device: device, inode: inode), path: String(words[3]))
    }
}
