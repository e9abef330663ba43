import Foundation

/// The directory that outlives apusd: authority, tokens, enrolment. Mode 0700; each write is whole or not there.
package struct StateDirectory: Sendable {
    package let path: String

    /// Makes the directory, mode 0700, if needed. One that is there keeps its mode, but must not be open to changes
    /// by others: they could put a key of their own in place.
    package init(path: String) throws(AuthorityError) {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            try Self.makePrivateDirectory(path)
            return
        }
        let attributes = try Self.attempt("open", path) { try FileManager.default.attributesOfItem(atPath: path) }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
        guard mode & 0o022 == 0 else { throw .writableByOthers(path: path, mode: mode) }
    }

    package func path(of name: String) -> String { "\(path)/\(name)" }

    package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(of: name)) }

    /// A directory inside, mode 0700.
    package func makeDirectory(_ name: String) throws(AuthorityError) {
        try Self.makePrivateDirectory(path(of: name))
    }

    /// Names in a directory inside, sorted, without hidden ones.
    package func list(_ name: String) throws(AuthorityError) -> [String] {
        let place = path(of: name)
        return try Self.attempt("list", place) { try FileManager.default.contentsOfDirectory(atPath: place) }
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Writes a file that must not exist yet. Nobody sees a part of it, nobody but the owner can open a secret at
    /// any moment, and of two writers one gets `alreadyExists`.
    package func create(_ name: String, _ content: String, isSecret: Bool) throws(AuthorityError) {
        let final = path(of: name)
        // The file is made inside a fresh private directory: between making it and setting its mode there is no
        // moment in which somebody else could open it.
        let workshop = path(of: ".making-\(UUID().uuidString)")
        try Self.makePrivateDirectory(workshop)
        defer { try? FileManager.default.removeItem(atPath: workshop) }
        let made = "\(workshop)/file"
        try Self.attempt("write", final) {
            try Data(content.utf8).write(to: URL(fileURLWithPath: made), options: .withoutOverwriting)
            try FileManager.default.setAttributes(
                [.posixPermissions: NSNumber(value: isSecret ? 0o600 : 0o644)], ofItemAtPath: made)
            // On disk before the name is: a loss of power must not leave an empty key behind.
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: made))
            try handle.synchronize()
            try handle.close()
        }
        do {
            // A hard link fails when the name is taken; a rename would replace it.
            try FileManager.default.linkItem(atPath: made, toPath: final)
        } catch {
            guard FileManager.default.fileExists(atPath: final) else { throw Self.failure("create", final, error) }
            throw .alreadyExists(path: final)
        }
    }

    /// Writes a file anew in one step. Not for secrets: its mode may be wider than the directory's for a moment.
    package func replace(_ name: String, _ content: String) throws(AuthorityError) {
        let final = path(of: name)
        try Self.attempt("replace", final) {
            try Data(content.utf8).write(to: URL(fileURLWithPath: final), options: .atomic)
        }
    }

    /// The text of a file, or `nil` when there is none.
    package func read(_ name: String, isSecret: Bool, bytesMax: Int) throws(AuthorityError) -> String? {
        guard exists(name) else { return nil }
        return try Self.readFile(path(of: name), isSecret: isSecret, bytesMax: bytesMax)
    }

    /// A file anywhere. Refuses a secret that others can read.
    package static func readFile(_ path: String, isSecret: Bool, bytesMax: Int) throws(AuthorityError) -> String {
        let attributes = try attempt("read", path) { try FileManager.default.attributesOfItem(atPath: path) }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
        guard !isSecret || mode & 0o077 == 0 else { throw .readableByOthers(path: path, mode: mode) }
        let bytes = (attributes[.size] as? NSNumber)?.intValue ?? 0
        guard bytes <= bytesMax else { throw .tooLarge(path: path, bytes: bytes, limitBytes: bytesMax) }
        let data = try attempt("read", path) { try Data(contentsOf: URL(fileURLWithPath: path)) }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .unreadable(path: path, expected: "text", found: "bytes that are not UTF-8")
        }
        return text
    }

    /// A file that a kubelet has mounted: a link, readable for all in the container, which is its owner's alone.
    package static func readMounted(_ path: String, bytesMax: Int) throws(AuthorityError) -> String {
        let data = try attempt("read", path) { try Data(contentsOf: URL(fileURLWithPath: path)) }
        guard data.count <= bytesMax else { throw .tooLarge(path: path, bytes: data.count, limitBytes: bytesMax) }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .unreadable(path: path, expected: "text", found: "bytes that are not UTF-8")
        }
        return text
    }

    /// When a file or directory was last changed; `nil` when there is none.
    static func changeTime(_ path: String) -> Date? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
    }

    private static func makePrivateDirectory(_ path: String) throws(AuthorityError) {
        try attempt("create directory", path) {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o700)], ofItemAtPath: path)
        }
    }

    private static func attempt<Success>(
        _ operation: String, _ path: String, _ body: () throws -> Success
    ) throws(AuthorityError) -> Success {
        do { return try body() } catch { throw failure(operation, path, error) }
    }

    private static func failure(_ operation: String, _ path: String, _ error: any Error) -> AuthorityError {
        .file(operation: operation, path: path, reason: (error as NSError).localizedDescription)
    }
}
