import ControlAuthority
import Testing

@Suite("Changes of the authority's files")
struct AuthorityFilesTests {
    @Test("each change is told once, with the path; what is as loaded is no change")
    func changes() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        var files = AuthorityFiles(scratch.state)
        #expect(files.changes() == [])
        let roots = try scratch.text("root.crt")
        try scratch.write("root.crt", roots + "\n", mode: 0o644)
        #expect(files.changes() == ["\(scratch.path)/root.crt"])
        #expect(files.changes() == [], "told once")
        try scratch.write("root.crt", roots + "\n\n", mode: 0o644)
        #expect(files.changes() == ["\(scratch.path)/root.crt"], "another change")
        try scratch.write("root.crt", roots, mode: 0o644)
        #expect(files.changes() == [], "as loaded again")
    }

    @Test("a key that others can read, or that is replaced, is a change; so is a file that is gone")
    func keyAndCertificate() throws {
        let scratch = try Scratch()
        _ = try scratch.authority()
        var files = AuthorityFiles(scratch.state)
        try scratch.setMode("ca.key", 0o644)
        #expect(files.changes() == ["\(scratch.path)/ca.key"])
        try scratch.setMode("ca.key", 0o600)
        try scratch.write("ca.crt", "other", mode: 0o644)
        try scratch.write("ca.key", "other")
        #expect(files.changes() == ["\(scratch.path)/ca.key", "\(scratch.path)/ca.crt"])
    }
}
