import MeshTesting
import Testing

/// The definition of TrafficGuards at a real API server.
@Suite("TrafficGuards at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct TrafficGuardTests {
    private static let list = "/apis/apus.io/v1/namespaces/shop/trafficguards"

    private func guardian(_ spec: String) -> String {
        #"{"apiVersion":"apus.io/v1","kind":"TrafficGuard","metadata":{"name":"api"},"spec":\#(spec)}"#
    }

    @Test("what is of the wrong type is refused, and what is misspelt reaches apusd", .timeLimit(.minutes(5)))
    func definition() async throws {
        let server = try await APIServer()
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        let definition = try #require(
            try await Manifests(overlay: "minimal").objects.first { $0.kind == "CustomResourceDefinition" })
        try await server.must("POST", definition.path, try definition.value.json())
        try await Wait.eventually("the kind", seconds: 30, everyMilliseconds: 200) {
            try await server.call("GET", Self.list).status == 200
        }
        let state = try ObjectTree(
            json: try await server.call("GET", "\(definition.path)/trafficguards.apus.io").text)
        let conditions = state["status", "conditions"]?.items ?? []
        #expect(!conditions.contains { $0["type"]?.text == "NonStructuralSchema" }, "\(conditions)")
        let refused = [
            "{}", #"{"targetRefs":[]}"#, #"{"targetRefs":[{"name":"api","kind":"Pod"}]}"#, #"{"targetRefs":[{}]}"#,
            #"{"targetRefs":[{"name":"api"}],"rateLimits":[{"maxTokens":0}]}"#,
            #"{"targetRefs":[{"name":"api"}],"rateLimits":[{"maxTokens":"many"}]}"#,
            #"{"targetRefs":[{"name":"api"}],"rateLimits":[{"maxTokens":1,"key":{"type":"Nobody"}}]}"#,
            #"{"targetRefs":[{"name":"api"}],"hedging":{"after":"1s","maxAttempts":9}}"#,
            #"{"targetRefs":[{"name":"api"}],"quarantine":{"callers":"all"}}"#,
        ]
        for spec in refused {
            let answer = try await server.call("POST", Self.list, guardian(spec))
            #expect(answer.status == 422, "\(spec): \(answer)")
        }
        let spec = """
            {"targetRefs":[{"name":"api","knd":1}],\
            "rateLimits":[{"key":{"type":"Identity","more":1},"maxTokens":4294967295,"fillIntervall":"1s"}],\
            "globalRateLimit":{"service":{"name":"limiter","port":8081},"domain":"shop",\
            "descriptors":[{"entries":[{"type":"Identity"},{"type":"Header","header":"x-user"}]}]},\
            "fault":{"delay":{"percentage":{"value":0.5},"fixedDelay":"1s"},"abort":{"httpStatus":503}},\
            "adaptiveConcurrency":{"minLimit":3},"hedging":{"after":"50ms","methods":["GET"]},\
            "quarantine":{"callers":["cluster.local/ns/shop/sa/web"]},"misspelt":true}
            """
        let written = try await server.call("POST", Self.list, guardian(spec))
        #expect(written.status == 201, "\(written)")
        let missing = try ObjectTree(json: guardian(spec)).missing(in: try ObjectTree(json: written.text))
        #expect(missing.isEmpty, "\(missing)")
        let control = try ControlPlane(server)
        try await control.until("its findings", "/debug/findings") { $0.contains("misspelt") && $0.contains("knd") }
        await control.stop()
        await server.stop()
    }
}
