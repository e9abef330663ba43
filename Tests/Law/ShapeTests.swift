import Testing

@Suite("The law of shapes")
struct ShapeTests {
    private static let fileLinesMax = 600
    private static let lineColumnsMax = 120

    private let repository = Repository()

    private func files(_ folders: [String] = ["Sources", "Tests"]) throws -> [SourceFile] {
        try repository.swiftFiles(below: folders).filter { !$0.isGenerated }
    }

    @Test("no file is longer than 600 lines")
    func fileLength() throws {
        var unused = Exceptions.paths(.fileLength)
        for file in try files() where file.lines.count > Self.fileLinesMax {
            unused.remove(file.path)
            #expect(
                Exceptions.paths(.fileLength).contains(file.path),
                "\(file.path) has \(file.lines.count) lines; split it by subject")
        }
        #expect(unused.isEmpty, "\(unused.sorted()) are short now: delete them from Tests/Law/Exceptions.swift")
    }

    @Test("no line is longer than 120 columns")
    func lineLength() throws {
        var unused = Exceptions.paths(.lineLength)
        let manifest = SourceFile(path: "Package.swift", text: try repository.text("Package.swift"))
        for file in try files() + [manifest] {
            for (index, line) in file.lines.enumerated() where line.count > Self.lineColumnsMax {
                unused.remove(file.path)
                if Exceptions.paths(.lineLength).contains(file.path) { continue }
                Issue.record("\(file.place(index)) has \(line.count) columns; break it")
            }
        }
        #expect(unused.isEmpty, "\(unused.sorted()) are narrow now: delete them from Tests/Law/Exceptions.swift")
    }

    /// What other rooms see says what it is. Excepted: initializers, stored fields and nested types, which the comment
    /// of their type covers; functions of one line, whose body says it; what a protocol explains; and all but one of
    /// the functions that share a name in a room.
    @Test("every package type and function has a doc comment")
    func docComments() throws {
        var unused = Exceptions.paths(.docComment)
        let sources = try files(["Sources"])
        let documented = Set(sources.flatMap { file in file.documentedNames.map { "\(file.folder):\($0)" } })
        for file in sources {
            for (index, name) in file.undocumentedDeclarations where !documented.contains("\(file.folder):\(name)") {
                unused.remove(file.path)
                if Exceptions.paths(.docComment).contains(file.path) { continue }
                let line = file.lines[index].trimmingPrefix { $0 == " " }
                Issue.record("\(file.place(index)): \(line): say in a doc comment what it is, its units and its errors")
            }
        }
        #expect(unused.isEmpty, "\(unused.sorted()) are documented now: delete them from Tests/Law/Exceptions.swift")
    }

    @Test("the check for doc comments finds what it looks for")
    func selfTest() {
        let text = """
            package struct A {}
            /// B.
            package struct B {
                package let field: Int
                package func f() {
                }
                /// G.
                @discardableResult
                package func g() {
                }
                package func short() {}
                package static func == (a: B, b: B) -> Bool {
                }
                package enum Inner {}
            }
            package final class Other {}
            """
        let file = SourceFile(path: "Sources/Shared/A/a.swift", text: text)
        #expect(file.undocumentedDeclarations.map(\.name) == ["A", "f", "Other"])
        #expect(file.undocumentedDeclarations.map(\.index) == [0, 4, 15])
        #expect(file.documentedNames == ["B", "g"])
        #expect(file.folder == "Sources/Shared/A")
    }
}

extension SourceFile {
    private struct Declaration {
        let index: Int
        let kind: String
        let name: String
        let isDocumented: Bool
    }

    /// The room: the first three parts of the path.
    var folder: String { path.split(separator: "/").prefix(3).joined(separator: "/") }

    /// Names of package types and functions that have a doc comment.
    var documentedNames: [String] { declarations.filter(\.isDocumented).map(\.name) }

    /// Lines and names of those that need one and have none.
    var undocumentedDeclarations: [(index: Int, name: String)] {
        declarations.compactMap { declaration in
            let line = code[declaration.index]
            guard !declaration.isDocumented, !Self.explainedElsewhere.contains(declaration.name) else { return nil }
            guard !declaration.name.hasPrefix("channel") else { return nil }
            // A type inside another is covered by that one's comment.
            if declaration.kind != "func", line.first == " " { return nil }
            if declaration.kind == "func", line.hasSuffix("}") { return nil }
            return (declaration.index, declaration.name)
        }
    }

    /// Members that a protocol of the standard library, of NIO or of a generated service explains.
    private static let explainedElsewhere: Set = [
        "==", "<", "hash", "encode", "handlerAdded", "handlerRemoved", "errorCaught", "userInboundEventTriggered",
        "write", "flush", "read", "close", "buffer", "nextBufferSize", "createCertificate", "deltaAggregatedResources",
        "synchronize", "run", "validate",
    ]

    private var declarations: [Declaration] {
        code.indices.compactMap { index in
            let words = code[index].split(whereSeparator: { $0 == " " }).map(String.init)
            guard words.first == "package", let (kind, name) = Self.declared(words) else { return nil }
            var above = index - 1
            while above >= 0, lines[above].trimmingPrefix(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
            let comment = above >= 0 ? lines[above].trimmingPrefix { $0 == " " } : ""
            let isDocumented = comment.hasPrefix("///") || comment.hasSuffix("*/")
            return Declaration(index: index, kind: kind, name: name, isDocumented: isDocumented)
        }
    }

    /// Kind and name of a declared type or function; `nil` for others.
    private static func declared(_ words: [String]) -> (kind: String, name: String)? {
        let modifiers: Set = [
            "package", "final", "static", "mutating", "consuming", "borrowing", "nonisolated", "indirect", "class",
            "override", "distributed", "convenience", "private(set)", "weak", "lazy", "async",
        ]
        let kinds: Set = ["struct", "class", "enum", "protocol", "actor", "func", "typealias"]
        var rest = words[...]
        while let word = rest.first, modifiers.contains(word), word != "class" || !isTypeName(rest) {
            rest = rest.dropFirst()
        }
        guard let kind = rest.first, kinds.contains(kind), let name = rest.dropFirst().first else { return nil }
        return (kind, String(name.prefix { $0 != "(" && $0 != "<" && $0 != ":" || name.first == "<" }))
    }

    /// `class Name`, as opposed to `class func`.
    private static func isTypeName(_ words: ArraySlice<String>) -> Bool {
        words.dropFirst().first?.first?.isUppercase == true
    }
}
