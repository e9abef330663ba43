import Testing

@Suite("The law of words")
struct WordTests {
    private let repository = Repository()

    private func files(_ folders: [String] = ["Sources", "Tests"]) throws -> [SourceFile] {
        try repository.swiftFiles(below: folders).filter { !$0.isGenerated }
    }

    @Test("unsafe code stands only in the kernel room and the TLS room")
    func unsafeWord() throws {
        let words = ["unsafe", "@unchecked", "nonisolated(unsafe)"]
        try check(.unsafeWord, files().filter { !$0.isUnder(ImportTable.unsafeFolders) }) { line in
            guard let word = words.first(where: { line.hasWord($0) }) else { return nil }
            return "\(word) may stand only in \(ImportTable.unsafeFolders); find a safe way or move the code there"
        }
    }

    @Test("no error is turned into a crash with try!")
    func forcedTry() throws {
        try check(.forcedTry, files()) { line in
            line.hasWord("try!") ? "handle the error; in a test, let it throw" : nil
        }
    }

    @Test("no optional is unwrapped by force")
    func forcedUnwrap() throws {
        try check(.forcedUnwrap, files()) { line in
            line.hasForcedUnwrap ? "use guard let, ?? or, in a test, try #require" : nil
        }
    }

    @Test("libraries do not print")
    func printing() throws {
        let executables = [
            "Sources/CLI", "Sources/Ztunnel/Main", "Sources/Ztunnel/Plugin", "Sources/Waypoint/Main",
            "Sources/ControlPlane/Main",
        ]
        try check(.printing, files(["Sources"]).filter { !$0.isUnder(executables) }) { line in
            line.hasCall("print") || line.hasCall("debugPrint") ? "log through a Logger that was passed in" : nil
        }
    }

    @Test("no open work is left in comments")
    func openWork() throws {
        // Spelt apart, so that this file keeps its own law.
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK"]
        try check(.openWork, files(), lines: \.lines) { line in
            marks.first { line.hasWord($0) }.map {
                "\($0): do it now, or put it into the issue list and say it plainly"
            }
        }
    }

    @Test("the checks themselves find what they look for")
    func selfTest() {
        for text in ["a!", "a!.b", "f()!", "a[0]!", "x as! Y", "a?.b!)", "let x: Int! = nil"] {
            #expect(SwiftScanner.code(text).hasForcedUnwrap, "\(text)")
        }
        for text in [
            "a != b", "!a", "if !(a)", "f(!a)", "\"a!\"", "// a!", "/* a! /* b! */ c! */", "\"\"\"\na!\n\"\"\"",
            "#\"a\"!\"#",
            "a ! = b", "\"\\(!a)\"", "a!==b", "x && !y", "[!a]",
        ] {
            #expect(!SwiftScanner.code(text).hasForcedUnwrap, "\(text)")
        }
        #expect(SwiftScanner.code("\"\\(a!)\"").hasForcedUnwrap)
        #expect(SwiftScanner.code("\"\\(f(\"x\") + a!)\" + \"b\"").hasForcedUnwrap)
        #expect(SwiftScanner.code("// x\nlet a = \"//\" // y").contains("let a ="))
        #expect("unsafe f()".hasWord("unsafe"))
        #expect(!"unsafely".hasWord("unsafe") && !"notunsafe".hasWord("unsafe"))
        #expect("print(x)".hasCall("print") && !"a.print(x)".hasCall("print") && !"sprint(x)".hasCall("print"))
        let file = SourceFile(
            path: "a", text: "package import A\nimport struct B.C\n@preconcurrency import D\n// import E\n")
        #expect(file.imports.map(\.module) == ["A", "B", "D"])
    }

    /// Records each place that breaks the law and is not excepted, and each exception that is not needed.
    private func check(
        _ law: Exceptions.Law, _ files: [SourceFile], lines: KeyPath<SourceFile, [String]> = \.code,
        _ remedy: (String) -> String?
    ) throws {
        var unused = Exceptions.paths(law)
        for file in files {
            for (index, line) in file[keyPath: lines].enumerated() {
                guard let remedy = remedy(line) else { continue }
                unused.remove(file.path)
                if Exceptions.paths(law).contains(file.path) { continue }
                Issue.record("\(file.place(index)): \(file.lines[index].trimmingPrefix { $0 == " " }): \(remedy)")
            }
        }
        #expect(
            unused.isEmpty, "\(unused.sorted()) keep the law \(law) now: delete them from Tests/Law/Exceptions.swift")
    }
}

extension String {
    private static func isWordByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// Places of a text that is not part of a longer word.
    private func placesOfWord(_ word: String) -> [Int] {
        let bytes = Array(utf8)
        let wanted = Array(word.utf8)
        guard bytes.count >= wanted.count else { return [] }
        return (0...(bytes.count - wanted.count)).filter { start in
            guard bytes[start..<(start + wanted.count)].elementsEqual(wanted) else { return false }
            let before = start > 0 && Self.isWordByte(wanted[0]) && Self.isWordByte(bytes[start - 1])
            let end = start + wanted.count
            let after = end < bytes.count && Self.isWordByte(wanted[wanted.count - 1]) && Self.isWordByte(bytes[end])
            return !before && !after
        }
    }

    func hasWord(_ word: String) -> Bool { !placesOfWord(word).isEmpty }

    /// A call of a free function of this name.
    func hasCall(_ name: String) -> Bool {
        let bytes = Array(utf8)
        return placesOfWord("\(name)(").contains { start in
            guard start > 0 else { return true }
            let before = String(decoding: bytes[..<start], as: UTF8.self)
            return !before.hasSuffix(".") && !before.hasSuffix("func ")
        }
    }

    /// An exclamation mark behind a value or a type, that is not the start of `!=`.
    var hasForcedUnwrap: Bool {
        let bytes = Array(utf8)
        return bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "!"), index > 0 else { return false }
            let closers: [UInt8] = [UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "?"), UInt8(ascii: "`")]
            guard Self.isWordByte(bytes[index - 1]) || closers.contains(bytes[index - 1]) else { return false }
            if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "=") { return false }
            // `try!` has a law of its own.
            return !bytes[..<index].elementsEqual("try".utf8) && !bytes[..<index].suffix(4).elementsEqual(" try".utf8)
        }
    }
}
