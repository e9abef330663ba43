import MeshTesting
import Testing

/// Gives the tests of a suite one mesh together: bringing one up takes seconds.
struct MeshTrait: SuiteTrait, TestScoping {
    @TaskLocal static var current: MeshFixture?

    let plan: MeshFixture.Plan

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await MeshGate.shared.pass {
            try await MeshFixture.with(plan) { mesh in
                try await Self.$current.withValue(mesh) { try await function() }
            }
        }
    }
}

extension Trait where Self == MeshTrait {
    /// One mesh of two nodes for the whole suite.
    static var mesh: MeshTrait { MeshTrait(plan: MeshFixture.Plan()) }

    static func mesh(_ change: (inout MeshFixture.Plan) -> Void) -> MeshTrait {
        var plan = MeshFixture.Plan()
        change(&plan)
        return MeshTrait(plan: plan)
    }
}

/// Runs a test with the mesh of its suite; a failure is told with the ends of the logs.
func inMesh(_ body: (MeshFixture) async throws -> Void) async throws {
    let mesh = try #require(MeshTrait.current, "the suite has no mesh")
    do {
        try await body(mesh)
    } catch {
        throw MeshFixture.StepFailure(cause: "\(error)", logs: await mesh.diagnosis())
    }
}

/// Few meshes at a time: each is three processes and their traffic, and tests of time run beside it.
actor MeshGate {
    static let shared = MeshGate()
    private static let meshesMax = 3

    private var free = MeshGate.meshesMax
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass(_ body: @Sendable () async throws -> Void) async throws {
        await enter()
        defer { leave() }
        try await body()
    }

    private func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        guard waiting.isEmpty else { return waiting.removeFirst().resume() }
        free += 1
    }
}
