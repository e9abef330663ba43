package import ControlTranslate

/// A file of resources: YAML with any number of documents, or JSON.
package enum ResourceFile {
    /// What a file says and what of it was not understood.
    package struct Contents: Hashable, Sendable {
        package var resources: ResourceSet
        package var findings: [Finding]
        /// The text is no YAML at all: whatever the file said before should stay in force.
        package var isMalformed: Bool

        package init(resources: ResourceSet = ResourceSet(), findings: [Finding] = [], isMalformed: Bool = false) {
            self.resources = resources
            self.findings = findings
            self.isMalformed = isMalformed
        }
    }

    /// Never fails: what is wrong stands in the findings, with file and line. Time and memory are bounded by the text's
    /// length (`ResourceFileLimits`).
    package static func parse(text: String, path: String) -> Contents {
        guard text.utf8.count <= ResourceFileLimits.fileBytesMax else {
            return malformed(path, line: 0, "has more than \(ResourceFileLimits.fileBytesMax) bytes: split it")
        }
        do {
            var decoder = ResourceDecoder(file: path)
            for document in try YAMLText.documents(text) {
                decoder.decode(document)
            }
            return decoder.contents
        } catch {
            return malformed(path, line: error.line, error.reason)
        }
    }

    static func malformed(_ path: String, line: Int, _ reason: String) -> Contents {
        let origin = ResourceOrigin(file: path, line: line)
        return Contents(findings: [Finding(.error, origin, resource: "", reason)], isMalformed: true)
    }
}
