import Foundation
import MeshTesting
import Testing
import Yams

/// What the validating policies of deploy/overlays/admission let in.
@Suite("Validating policies", .enabled(if: Repository.celPython != nil))
struct AdmissionTests {
    private static let label = "istio.io/dataplane-mode"

    private func expressions() throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        let documents = try Yams.load_all(yaml: try Repository.text("deploy/overlays/admission/policies.yaml"))
        for document in documents {
            let object = try #require(document as? [String: Any])
            guard object["kind"] as? String == "ValidatingAdmissionPolicy" else { continue }
            let name = try #require((object["metadata"] as? [String: Any])?["name"] as? String)
            let validations = try #require((object["spec"] as? [String: Any])?["validations"] as? [[String: Any]])
            found[name] = try validations.map { try #require($0["expression"] as? String) }
        }
        return found
    }

    private func isLetIn(_ object: String, by policy: String) throws -> Bool {
        let python = try #require(Repository.celPython)
        let program = "\(Repository.root)/Tests/Fixtures/Programs/evaluate-cel.py"
        return try #require(try expressions()[policy]).allSatisfy { expression in
            let answer = try Shell.run([python, program, expression, object])
            try #require(answer == "true\n" || answer == "false\n", "\(answer)")
            return answer == "true\n"
        }
    }

    @Test("a dataplane mode is ambient or none, and nothing else is asked of labels")
    func modes() throws {
        let cases: [(labels: String, expected: Bool)] = [
            (#"{}"#, true), (#"{"labels":{}}"#, true), (#"{"labels":{"app":"x"}}"#, true),
            (#"{"labels":{"\#(Self.label)":"ambient"}}"#, true), (#"{"labels":{"\#(Self.label)":"none"}}"#, true),
            (#"{"labels":{"\#(Self.label)":"Ambient"}}"#, false), (#"{"labels":{"\#(Self.label)":""}}"#, false),
            (#"{"labels":{"\#(Self.label)":"ambiant"}}"#, false),
        ]
        for (labels, expected) in cases {
            #expect(try isLetIn(#"{"metadata":\#(labels)}"#, by: "apus-dataplane-mode") == expected, "\(labels)")
        }
    }

    @Test("a waypoint listens with HBONE; other Gateways are none of our business")
    func listeners() throws {
        let good = #"[{"name":"mesh","port":15008,"protocol":"HBONE"}]"#
        let plain = #"[{"name":"web","port":80,"protocol":"HTTP"}]"#
        let cases: [(name: String, listeners: String, expected: Bool)] = [
            ("istio-waypoint", good, true), ("apus-waypoint", good, true), ("istio-waypoint", plain, false),
            ("apus-waypoint", #"[{"name":"mesh","port":15008,"protocol":"TLS"}]"#, false), ("nginx", plain, true),
            ("apus-waypoint", #"[{"name":"mesh","port":15009,"protocol":"HBONE"}]"#, false),
        ]
        for (name, listeners, expected) in cases {
            let object = #"{"metadata":{},"spec":{"gatewayClassName":"\#(name)","listeners":\#(listeners)}}"#
            #expect(try isLetIn(object, by: "apus-waypoint-listener") == expected, "\(object)")
        }
    }

    @Test("what apus writes is let in")
    func generated() throws {
        let text = try Shell.run([try MeshPrograms().apus, "waypoint", "generate", "-n", "shop"])
        let object = try #require(try Yams.load(yaml: text))
        let json = String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
        #expect(try isLetIn(json, by: "apus-waypoint-listener"))
    }

    @Test("every policy is bound, and refuses")
    func bound() throws {
        let documents = try Yams.load_all(yaml: try Repository.text("deploy/overlays/admission/policies.yaml"))
            .compactMap { $0 as? [String: Any] }
        let bindings = documents.filter { $0["kind"] as? String == "ValidatingAdmissionPolicyBinding" }
            .compactMap { $0["spec"] as? [String: Any] }
        #expect(Set(bindings.compactMap { $0["policyName"] as? String }) == Set(try expressions().keys))
        #expect(bindings.allSatisfy { $0["validationActions"] as? [String] == ["Deny"] })
    }
}
