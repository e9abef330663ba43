import ControlTranslate
import Foundation

/// What a directory tree says, file by file. A file that cannot be read or is no YAML keeps what it said last, with a
/// finding; a file that is gone says nothing any more.
struct DirectoryState {
    private struct FileState {
        var signature: FileTree.Signature
        var readAt: Date
        /// Hash of the text, to tell a real change from a touched file. `nil`: it could not be read.
        var textHash: Int?
        var resources: ResourceSet
        var findings: [Finding]
        /// It has been read whole at least once.
        var wasReadable: Bool
    }

    /// A file changed less than this before it was read may change again with the same time stamp.
    private static let timestampDoubtSeconds: TimeInterval = 2

    let directory: String
    private var files: [String: FileState] = [:]
    private var general: [Finding] = []
    private(set) var hasBeenRead = false

    init(directory: String) {
        self.directory = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    }

    /// Whether every file has been understood as YAML at least once.
    var isComplete: Bool { hasBeenRead && files.values.allSatisfy(\.wasReadable) }

    /// Looks at every file and reads those that may have changed. Says whether anything is different now.
    /// `settledSeconds`: files changed less than this ago are left for later, as somebody may still be writing them.
    mutating func refresh(settledSeconds: TimeInterval = 0, now: Date = Date()) -> Bool {
        var findings: [Finding] = []
        var isChanged = false
        switch FileTree.list(directory) {
        case .failed(let reason):
            // A directory that is away for a moment must not empty the mesh.
            let message = "cannot be read: \(reason); what it said before stays in force"
            findings.append(Finding(.error, ResourceOrigin(file: directory, line: 0), resource: "", message))
        case .found(let listed, let unreadable):
            isChanged = !hasBeenRead
            hasBeenRead = true
            for (path, reason) in unreadable {
                let message = "\(reason); what it said before stays in force"
                findings.append(Finding(.error, ResourceOrigin(file: path, line: 0), resource: "", message))
            }
            for path in files.keys where listed[path] == nil && !Self.isInside(path, unreadable) {
                files[path] = nil
                isChanged = true
            }
            for (path, signature) in listed {
                if settledSeconds > 0, now.timeIntervalSince(signature.modified) < settledSeconds { continue }
                if update(path, signature, now) { isChanged = true }
            }
        }
        findings.sort()
        defer { general = findings }
        return isChanged || findings != general
    }

    private static func isInside(_ path: String, _ unreadable: [String: String]) -> Bool {
        unreadable.keys.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    /// Reads one file if it may have changed; says whether it says something else now.
    private mutating func update(_ path: String, _ signature: FileTree.Signature, _ now: Date) -> Bool {
        let before = files[path]
        if let before, before.signature == signature,
            before.readAt.timeIntervalSince(signature.modified) > Self.timestampDoubtSeconds
        {
            return false
        }
        var hash: Int?
        let contents: ResourceFile.Contents
        do {
            let text = try FileTree.read(path)
            hash = text.hashValue
            if let before, before.textHash == hash {
                files[path]?.signature = signature
                files[path]?.readAt = now
                return false
            }
            contents = ResourceFile.parse(text: text, path: path)
        } catch {
            contents = ResourceFile.malformed(path, line: error.line, error.reason)
        }
        var state = FileState(
            signature: signature, readAt: now, textHash: hash, resources: contents.resources,
            findings: contents.findings, wasReadable: !contents.isMalformed)
        if contents.isMalformed, let before, before.wasReadable {
            state.resources = before.resources
            state.wasReadable = true
            state.findings = contents.findings.map { finding in
                var finding = finding
                finding.message += "; what the file said before stays in force"
                return finding
            }
        }
        files[path] = state
        return before?.resources != state.resources || before?.findings != state.findings
    }

    /// All files together, in the order of their paths.
    func merged() -> (resources: ResourceSet, findings: [Finding]) {
        let ordered = files.sorted { $0.key < $1.key }.map(\.value)
        let (resources, duplicates) = ResourceSet.merging(ordered.map(\.resources))
        return (resources, (general + duplicates + ordered.flatMap(\.findings)).sorted())
    }
}
