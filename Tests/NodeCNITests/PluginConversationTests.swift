import MeshModel
import Testing

@testable import NodeCNI

@Suite("What the CNI plugin asks and answers")
struct PluginConversationTests {
    private static let sandbox = PodSandbox(
        pod: PodKey(namespace: "shop", name: "web-0"), uid: "u-1", container: "c0ffee")

    private func conclude(
        _ command: String, _ outcome: PluginConversation.Outcome, _ more: String = ""
    ) throws -> PluginOutput {
        PluginConversation.conclude(try Calls.make(command, Calls.input("1.0.0", more)), outcome)
    }

    private func code(_ output: PluginOutput) throws -> String {
        let json = try JSONSpan(reading: Array(output.text.utf8))
        guard case .number(let code)? = json["code"]?.content else { return "" }
        #expect(json["cniVersion"]?.text == "1.0.0" && json["msg"]?.text?.isEmpty == false)
        return code
    }

    @Test("each command asks its question")
    func questions() throws {
        func step(_ command: String, _ input: String = Calls.input()) throws -> PluginConversation.Step {
            PluginConversation.begin(try Calls.make(command, input))
        }
        let path = "/var/run/netns/cni-1"
        #expect(
            try step("ADD")
                == .ask(
                    .enrol(Self.sandbox, EnrolmentWait(seconds: 30, otherwise: .refuse), path: path),
                    passesNamespace: true))
        let open = ",\"failOpenNamespaces\":[\"shop\"],\"timeoutSeconds\":9"
        #expect(
            try step("ADD", Calls.input("1.0.0", open))
                == .ask(
                    .enrol(Self.sandbox, EnrolmentWait(seconds: 9, otherwise: .pass), path: path),
                    passesNamespace: true))
        #expect(try step("DEL") == .ask(.release(Self.sandbox), passesNamespace: false))
        #expect(try step("CHECK") == .ask(.check(Self.sandbox), passesNamespace: false))
        let list = ",\"cni.dev/valid-attachments\":[{\"containerID\":\"a\"}]"
        #expect(
            try step("GC", Calls.input("1.1.0", list)) == .ask(.retain(containers: ["a"]), passesNamespace: false))
        for command in ["GC", "STATUS"] {
            guard case .finish(let output) = try step(command, Calls.input("1.1.0")) else {
                Issue.record("\(command) asks")
                continue
            }
            #expect(output.text.isEmpty && output.status == 0)
        }
    }

    @Test("the version is told without a configuration's name")
    func version() throws {
        let call = try Calls.make("VERSION", "{\"cniVersion\":\"0.4.0\"}")
        guard case .finish(let output) = PluginConversation.begin(call) else {
            throw PluginError(.inputOutput, "asks")
        }
        let json = try JSONSpan(reading: Array(output.text.utf8))
        #expect(json["cniVersion"]?.text == "0.4.0" && output.status == 0)
        #expect(json["supportedVersions"]?.elements?.compactMap(\.text) == PluginVersion.supported)
    }

    @Test("a container that is no pod passes without a question")
    func strangers() throws {
        let call = try Calls.make("ADD", Calls.input(), ["CNI_ARGS": nil])
        guard case .finish(let output) = PluginConversation.begin(call) else {
            throw PluginError(.inputOutput, "asks")
        }
        #expect(output.text == Calls.result + "\n" && output.status == 0)
    }

    @Test("what the plugin before made goes on byte for byte; other commands say nothing")
    func success() throws {
        #expect(try conclude("ADD", .reply(.done("captured"))).text == Calls.result + "\n")
        #expect(try conclude("CHECK", .reply(.done(""))).text.isEmpty)
    }

    @Test("a pod that is not enrolled does not start, and the reason is told")
    func refusal() throws {
        let output = try conclude("ADD", .reply(.refused("shop/web-0 is failed: \"no\" rules")))
        #expect(try code(output) == "100" && output.status == 1)
        #expect(output.text.contains("\\\"no\\\" rules"))
        #expect(try code(conclude("CHECK", .reply(.refused("gone")))) == "101")
    }

    @Test("without a daemon pods of captured namespaces do not start; others and those named do")
    func silence() throws {
        func add(_ captured: Set<String>?, _ more: String = "") throws -> PluginOutput {
            try conclude("ADD", .silence(reason: "refused", capturedNamespaces: captured), more)
        }
        #expect(try code(add(["shop"])) == "11")
        #expect(try code(add(nil)) == "11", "nothing is known")
        #expect(try add(["other"]).status == 0)
        #expect(try add([]).text == Calls.result + "\n")
        #expect(try add(["shop"], ",\"failOpen\":true").status == 0)
        #expect(try add(nil, ",\"failOpenNamespaces\":[\"shop\"]").status == 0)
        #expect(try code(conclude("CHECK", .silence(reason: "x", capturedNamespaces: nil))) == "11")
    }

    @Test("an end is never held up")
    func ends() throws {
        for outcome: PluginConversation.Outcome in [
            .reply(.refused("no")), .reply(.done("")), .silence(reason: "x", capturedNamespaces: nil),
        ] {
            #expect(try conclude("DEL", outcome).status == 0)
        }
        #expect(try conclude("GC", .silence(reason: "x", capturedNamespaces: nil)).status == 0)
    }

    @Test("the list of captured namespaces is read whole or not at all")
    func namespaces() {
        let list = CapturedNamespaces(["shop", "bank"])
        #expect(CapturedNamespaces(text: list.text) == list)
        #expect(CapturedNamespaces(text: CapturedNamespaces([]).text)?.names == [])
        #expect(CapturedNamespaces(text: String(list.text.dropLast(2))) == nil)
        #expect(CapturedNamespaces(text: "") == nil)
        #expect(CapturedNamespaces(text: "shop\n") == nil)
    }
}
