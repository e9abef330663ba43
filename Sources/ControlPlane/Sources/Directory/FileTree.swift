import Foundation

/// Reads a directory tree: which resource files there are, and their text. Follows symbolic links, passes over hidden
/// names and other extensions, and takes files that come and go meanwhile as they are.
struct FileTree {
    /// What tells one version of a file from the next without reading it.
    struct Signature: Hashable {
        let sizeBytes: Int
        let modified: Date
        let fileNumber: Int
    }

    enum Listing {
        case found(files: [String: Signature], unreadable: [String: String])
        /// The root itself cannot be listed, and why.
        case failed(String)
    }

    /// Deeper directories are not read; a link to a parent ends here at the latest.
    static let depthMax = 16
    /// Protects against a wrong path such as `/`.
    static let filesMax = 20_000

    private static let extensions: Set<Substring> = ["yaml", "yml", "json"]

    /// Every resource file by its path, and directories and files that are there but cannot be read, with the reason.
    static func list(_ root: String) -> Listing {
        var walk = Walk()
        do {
            try walk.enter(root, depth: 0)
        } catch {
            return .failed(reason(error))
        }
        return .found(files: walk.files, unreadable: walk.unreadable)
    }

    /// The text of a file. Bounded, so that a file which grows meanwhile cannot fill the memory.
    static func read(_ path: String) throws(YAMLRejection) -> String {
        let limit = ResourceFileLimits.fileBytesMax
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw YAMLRejection(line: 0, reason: "cannot be read: \(reason(error))")
        }
        guard data.count <= limit else {
            throw YAMLRejection(line: 0, reason: "has more than \(limit) bytes: split it")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw YAMLRejection(line: 0, reason: "is not UTF-8 text")
        }
        return text
    }

    static func reason(_ error: any Error) -> String {
        if let error = error as? CocoaError, let underlying = error.underlying { return "\(underlying)" }
        return (error as? CocoaError).map { "\($0.code.text)" } ?? "\(error)"
    }

    private struct Walk {
        var files: [String: Signature] = [:]
        var unreadable: [String: String] = [:]
        private var entered: Set<String> = []

        mutating func enter(_ directory: String, depth: Int) throws {
            let real = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
            guard entered.insert(real).inserted else { return }
            guard depth <= FileTree.depthMax else {
                unreadable[directory] = "is deeper than \(FileTree.depthMax) directories"
                return
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
                guard !name.hasPrefix(".") else { continue }
                visit("\(directory)/\(name)", name: name, depth: depth)
            }
        }

        private mutating func visit(_ path: String, name: String, depth: Int) {
            do {
                let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
                let attributes = try FileManager.default.attributesOfItem(atPath: real)
                switch attributes[.type] as? FileAttributeType {
                case .typeDirectory?:
                    try enter(path, depth: depth + 1)
                case .typeRegular?:
                    guard let dot = name.lastIndex(of: "."),
                        FileTree.extensions.contains(name[name.index(after: dot)...])
                    else { return }
                    guard files.count < FileTree.filesMax else {
                        unreadable[path] = "comes after \(FileTree.filesMax) other files"
                        return
                    }
                    files[path] = Signature(
                        sizeBytes: attributes[.size] as? Int ?? 0,
                        modified: attributes[.modificationDate] as? Date ?? .distantPast,
                        fileNumber: attributes[.systemFileNumber] as? Int ?? 0)
                default:
                    // Sockets, pipes, devices: never resources, and opening one may block.
                    return
                }
            } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
                // It vanished between listing and looking, or is a link to nothing.
                return
            } catch {
                unreadable[path] = "cannot be read: \(FileTree.reason(error))"
            }
        }
    }
}

extension CocoaError.Code {
    /// The few that reading files can bring.
    fileprivate var text: String {
        switch self {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "no such file or directory"
        case .fileReadNoPermission: return "permission denied"
        case .fileReadTooLarge: return "too large"
        default: return "file error \(rawValue)"
        }
    }
}
