import Foundation
import MeshModel
import MeshTesting
import Testing

/// Nodes whose certificates come from an agent of SPIFFE's Workload API, another program than ours.
@Suite("Identities by SPIFFE's Workload API")
struct WorkloadAPITests {
    private let authority: TestAuthority
    private let agent: SPIFFEAgent

    init() throws {
        authority = try TestAuthority(name: "spiffe")
        agent = try SPIFFEAgent()
    }

    private func svid(_ name: String, by other: TestAuthority? = nil) throws -> SPIFFEAgent.SVID {
        try SPIFFEAgent.SVID(Identity(namespace: "shop", serviceAccount: name), by: other ?? authority)
    }

    private var plan: MeshFixture.Plan {
        var plan = MeshFixture.Plan()
        plan.environment["SPIFFE_ENDPOINT_SOCKET"] = agent.endpoint
        return plan
    }

    private func untilAnswers(_ pod: String, _ mesh: MeshFixture) async throws {
        try await Wait.eventually("\(pod) is answered", seconds: 30, everyMilliseconds: 100) {
            try await mesh.answers(from: pod, to: "10.80.2.10")
        }
    }

    private func untilRefused(_ pod: String, _ mesh: MeshFixture, _ node: Int, because reason: String) async throws {
        try await Wait.eventually("\(pod) is refused: \(reason)", seconds: 30, everyMilliseconds: 100) {
            guard try await !mesh.answers(from: pod, to: "10.80.2.10") else { return false }
            return mesh.log(node).contains(reason)
        }
    }

    private func serial(_ mesh: MeshFixture, _ name: String) async throws -> String? {
        let rows = try await mesh.apus(1, "certs").output.split(separator: "\n")
        return rows.first { $0.contains("sa/\(name) ") }.map { String($0) }
    }

    @Test("two pods talk over HBONE with SVIDs of the agent, through rotation and its death; others are refused")
    func life() async throws {
        try await MeshFixture.with(plan) { mesh in
            try await untilRefused("web", mesh, 1, because: "the SPIFFE agent at \(agent.endpoint): unavailable")
            let both = [try svid("web"), try svid("api")]
            try agent.say(both)
            let process = try await agent.start(in: mesh)
            try await untilAnswers("web", mesh)
            #expect(mesh.log(2).contains("src.identity=\"spiffe://cluster.local/ns/shop/sa/web\""))
            #expect(try await mesh.dump(1).contains(Data(authority.rootPEM.utf8).base64EncodedString()))

            try await untilRefused(
                "cart", mesh, 1, because: "gives no SVID for spiffe://cluster.local/ns/shop/sa/cart: it gives ")

            let live = try await mesh.steady(from: "web", to: "10.80.2.10")
            let before = try await serial(mesh, "web")
            try agent.say([try svid("web"), try svid("api"), try svid("cart")])
            try await Wait.eventually("a new SVID", everyMilliseconds: 50) {
                let now = try await serial(mesh, "web")
                return now != nil && now != before
            }
            try await untilAnswers("cart", mesh)
            try await live.expectProgress()

            await process.stop(SIGKILL)
            try await Wait.eventually("the news", seconds: 20) {
                mesh.log(1).contains("no stream to the SPIFFE agent; what it gave stays in use while it is valid")
            }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            try await live.expectProgress()
        }
    }

    @Test("what is taken back is used no more; bytes that are no answer change nothing; other bundles, other trust")
    func trust() async throws {
        try await MeshFixture.with(plan) { mesh in
            let (web, api) = (try svid("web"), try svid("api"))
            try agent.say([web, api])
            let process = try await agent.start(in: mesh)
            try await untilAnswers("web", mesh)
            try agent.say(raw: [0xff, 0xff, 0xff])
            try await Wait.eventually("the news", seconds: 20) { mesh.log(1).contains("no stream to the SPIFFE agent") }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            try agent.say([api])
            try await untilRefused(
                "web", mesh, 1, because: "gives no SVID for spiffe://cluster.local/ns/shop/sa/web: it gives ")
            try agent.say([web, api])
            try await untilAnswers("web", mesh)
            try agent.say([try svid("web", by: TestAuthority(name: "another")), api])
            try await untilRefused("web", mesh, 1, because: "unknown issuer")
            try agent.say([web, api])
            try await untilAnswers("web", mesh)
            await process.stop()
        }
    }
}
