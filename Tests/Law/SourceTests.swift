import Foundation
import Testing

/// A reader has this repository and what is public: RFCs, the Gateway API, the documentation and code of Istio, Envoy
/// and the kernel. Nothing else may be named as a source.
@Suite("The law of sources")
struct SourceTests {
    private let repository = Repository()

    @Test("no text leans on a document that its reader does not have")
    func unknownSources() throws {
        let paths = try repository.paths()
        try #require(paths.count > 300, "the tree lies otherwise than this test knows")
        for path in paths {
            // What is not UTF-8 is no text.
            guard let text = try? repository.text(path), text.contains("eference") else { continue }
            for (index, line) in text.components(separatedBy: "\n").enumerated() where line.namesUnknownSource {
                let remedy = "name the source itself (RFC and section, Istio's documentation …), or leave it out"
                Issue.record("\(path):\(index + 1): \(line.trimmingPrefix { $0 == " " }): \(remedy)")
            }
        }
    }

    @Test("the check finds what it looks for")
    func selfTest() {
        // Spelt apart, so that this file keeps its own law.
        let word = "refer" + "ence"
        for text in [
            "(\(word) 5.9).", "(\(word) L7 2.1)", "(\(word), L7, 3.9)", "(\(word), appendix D)",
            "R\(word.dropFirst()) 5.9.", "the \(word) uses 128", "as in the \(word).", "the \(word)'s 9",
            "a \(word) proxy has it",
        ] {
            #expect(text.namesUnknownSource, "\(text)")
        }
        for text in [
            "the \(word) count is atomic", "the \(word) to its storage", "\(word) counting (8 %)", "GatewayReference",
            "needs a ReferenceGrant", "DATA by \(word)", "resolve(the\(word))", "The \(word) names the service",
        ] {
            #expect(!text.namesUnknownSource, "\(text)")
        }
    }
}

extension String {
    /// A numbered part of some document, or one that is called by no name.
    fileprivate var namesUnknownSource: Bool {
        guard contains("eference") else { return false }
        let patterns = [
            #"\b[Rr]eference,?( L7,?)? ([0-9]|appendix)"#, #"\bthe reference\b(?! (count|to|of)\b)"#,
            #"\b[Rr]eference (proxy|proxies|peers?)\b"#,
        ]
        return patterns.contains { range(of: $0, options: .regularExpression) != nil }
    }
}

extension Repository {
    /// Every file of the project, whatever its language.
    func paths() throws -> [String] {
        let above = try FileManager.default.contentsOfDirectory(atPath: root.path).filter {
            $0.hasSuffix(".md") || $0 == "Makefile" || $0 == "Package.swift"
        }
        let below = try ["Sources", "Tests", "deploy", "docs", "bench", "fuzz", "tools", ".ci"].flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
                .map { "\(folder)/\($0)" }
        }
        return (above + below).sorted()
    }
}
