import MeshKernel
import Testing

@Suite struct ProgramPagesTests {
    @Test("a process that lets go of its code pages is smaller and goes on")
    func releases() throws {
        let before = try #require(ProcessResources.residentBytes())
        let advisedBytes = ProcessResources.releaseProgramPages()
        let after = try #require(ProcessResources.residentBytes())
        #expect(advisedBytes > 1 << 20)
        // Other tests run in this process and fault pages in again: a part of what was let go must show.
        #expect(after < before)
    }
}
