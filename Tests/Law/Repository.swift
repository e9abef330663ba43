import Foundation

/// The tree this test stands in, read as text.
struct Repository: Sendable {
    let root: URL

    /// Three folders above this file.
    init() {
        root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// Swift files below these folders, sorted by path. Nothing found is an error: a law that reads nothing would hold
    /// for ever.
    func swiftFiles(below folders: [String] = ["Sources", "Tests"]) throws -> [SourceFile] {
        let files = try Self.all.get().filter { $0.isUnder(folders) }
        guard !files.isEmpty else { throw NothingToRead(folders: folders) }
        return files
    }

    private struct NothingToRead: Error {
        let folders: [String]
    }

    /// The whole tree, read once for all laws.
    private static let all = Result { () throws -> [SourceFile] in
        let repository = Repository()
        return try ["Sources", "Tests"].flatMap { folder in
            let path = repository.root.appendingPathComponent(folder).path
            let names = try FileManager.default.subpathsOfDirectory(atPath: path)
            return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
                let path = "\(folder)/\(name)"
                return SourceFile(path: path, text: try repository.text(path))
            }
        }
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
}

/// One Swift file, as written and with comments and strings blanked out.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    /// The same lines with comments and the contents of string literals replaced by blanks.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
        code = Self.isGenerated(path) ? lines : SwiftScanner.code(text).components(separatedBy: "\n")
    }

    /// Made by a tool; laws of style do not hold for it.
    var isGenerated: Bool { Self.isGenerated(path) }

    private static func isGenerated(_ path: String) -> Bool {
        [".pb.swift", ".grpc.swift", ".generated.swift"].contains { path.hasSuffix($0) }
    }

    /// `PATH:LINE`, counted from 1.
    func place(_ index: Int) -> String { "\(path):\(index + 1)" }

    /// Modules this file imports, with their lines.
    var imports: [(module: String, index: Int)] {
        code.enumerated().compactMap { index, line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            while let first = words.first,
                first.hasPrefix("@") || ["public", "package", "internal", "private", "fileprivate"].contains(first)
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count >= 2 else { return nil }
            let kinds: Set = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return (String(name.prefix { $0 != "." && $0 != ";" }), index)
        }
    }
}
