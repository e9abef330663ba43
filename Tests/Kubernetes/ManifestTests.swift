import MeshTesting
import Testing

/// What `apus install` prints, at a real API server.
@Suite("The manifests at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct ManifestTests {
    /// Not `admission`: its policies are of a kind that this server (1.20) does not have; AdmissionTests try them.
    private static let overlays = ["base", "minimal", "monitoring", "istio-cni"]

    private func addDefinitions(_ server: APIServer) async throws {
        let monitoring = "monitoring.coreos.com"
        try await server.define(monitoring, "servicemonitors", "ServiceMonitor", version: "v1")
        try await server.define(monitoring, "podmonitors", "PodMonitor", version: "v1")
        try await server.define(monitoring, "prometheusrules", "PrometheusRule", version: "v1")
        try await server.define(
            "gateway.networking.k8s.io", "gatewayclasses", "GatewayClass", version: "v1", scope: "Cluster")
    }

    @Test("every object is valid, and none of its fields is unknown to the server", .timeLimit(.minutes(5)))
    func valid() async throws {
        let server = try await APIServer()
        try await addDefinitions(server)
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"apus-system"}}"#)
        for overlay in Self.overlays {
            let objects = try await Manifests(overlay: overlay).objects
            #expect(objects.count >= 10, "\(overlay)")
            for object in objects where object.kind != "Namespace" {
                let (status, text) = try await server.call(
                    "POST", "\(object.path)?dryRun=All", try object.value.json())
                #expect(status == 201, "\(overlay), \(object.name): \(text.prefix(600))")
                let missing = object.value.missing(in: try ObjectTree(json: text))
                #expect(missing.isEmpty, "\(overlay), \(object.name): the server does not know \(missing)")
            }
        }
        await server.stop()
    }

    @Test("the comparison finds what it looks for")
    func comparison() throws {
        let written = try ObjectTree.documents(yaml: "a: 1\nb: [ { c: x }, { d: true } ]\ne: { f: 0.5 }\n")[0]
        let same = try ObjectTree(json: #"{"a":1,"b":[{"c":"x","more":1},{"d":true}],"e":{"f":0.5},"status":{}}"#)
        let other = try ObjectTree(json: #"{"a":"1","b":[{"c":"x"},{}],"e":{"f":0.5}}"#)
        #expect(written.missing(in: same).isEmpty)
        #expect(written.missing(in: other).sorted() == [".a", ".b[1].d"])
        #expect(written.missing(in: nil) == [""])
    }

    @Test("a misspelt field is found", .timeLimit(.minutes(5)))
    func misspelt() async throws {
        let server = try await APIServer()
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"apus-system"}}"#)
        for object in try await Manifests(overlay: "base").objects where object.kind == "Deployment" {
            let text = try object.value.json().replacing("automountServiceAccountToken", with: "automountToken")
            let answer = try await server.call("POST", "\(object.path)?dryRun=All", text)
            let missing = try ObjectTree(json: text).missing(in: try ObjectTree(json: answer.text))
            #expect(missing == [".spec.template.spec.automountToken"])
        }
        await server.stop()
    }
}
