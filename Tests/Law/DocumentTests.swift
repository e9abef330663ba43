import Foundation
import Testing

/// What readers read. Merges leave sentences twice where nobody looks.
@Suite("The law of documents")
struct DocumentTests {
    private let repository = Repository()
    /// Shorter lines may well stand twice: headings of tables, the ends of sentences.
    private static let shortestColumns = 40

    @Test("no line of a document stands in it twice")
    func repeatedLines() throws {
        let paths = try repository.paths().filter { $0.hasSuffix(".md") }
        try #require(paths.count > 10, "the tree lies otherwise than this test knows")
        for path in paths {
            for (index, line) in try repository.text(path).repeatedLines(columnsMin: Self.shortestColumns) {
                Issue.record("\(path):\(index + 1) stands there before: \(line): keep the true one")
            }
        }
    }

    @Test("the check finds what it looks for")
    func selfTest() {
        let line = String(repeating: "a line ", count: 8)
        #expect("\(line)\nother\n\(line)".repeatedLines(columnsMin: 40).map(\.index) == [2])
        #expect("    \(line)\n    \(line)\nshort\nshort".repeatedLines(columnsMin: 40).isEmpty)
    }
}

extension String {
    /// Lines that stand above already, by their places from 0. Code, which is indented by four columns, may repeat
    /// itself.
    fileprivate func repeatedLines(columnsMin: Int) -> [(index: Int, line: String)] {
        var seen: Set<String> = []
        return components(separatedBy: "\n").enumerated().compactMap { index, line in
            guard line.count >= columnsMin, !line.hasPrefix("    ") else { return nil }
            return seen.insert(line).inserted ? nil : (index, line)
        }
    }
}
