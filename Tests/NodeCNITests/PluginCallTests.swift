import MeshModel
import Testing

@testable import NodeCNI

/// Calls as containerd and CRI-O make them.
enum Calls {
    static let result = "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.1.0.5/24\"}],  \"x\":1.50}"

    static func environment(_ command: String) -> [String: String] {
        [
            "CNI_COMMAND": command, "CNI_CONTAINERID": "c0ffee", "CNI_NETNS": "/var/run/netns/cni-1",
            "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin",
            "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;"
                + "K8S_POD_INFRA_CONTAINER_ID=c0ffee;K8S_POD_UID=u-1",
        ]
    }

    static func input(_ version: String = "1.0.0", _ more: String = "", result: String? = Calls.result) -> String {
        let previous = result.map { ", \"prevResult\": \($0)" } ?? ""
        return "{\"cniVersion\": \"\(version)\", \"name\": \"net\", \"type\": \"apus-cni\"\(more)\(previous)}"
    }

    static func make(
        _ command: String, _ input: String = Calls.input(), _ changes: [String: String?] = [:]
    ) throws(PluginError) -> PluginCall {
        var environment = environment(command)
        for (name, value) in changes { environment[name] = value }
        return try PluginCall(environment: environment, input: Array(input.utf8))
    }

    /// `nil` when the call is a good one.
    static func failure(
        _ command: String, _ input: String, _ changes: [String: String?] = [:]
    ) -> PluginError.Code? {
        do throws(PluginError) {
            _ = try make(command, input, changes)
            return nil
        } catch {
            return error.code
        }
    }
}

@Suite("Calls of the CNI plugin")
struct PluginCallTests {
    private static let sandbox = PodSandbox(
        pod: PodKey(namespace: "shop", name: "web-0"), uid: "u-1", container: "c0ffee")

    @Test("a start names the pod, its sandbox and its namespace", arguments: PluginVersion.supported)
    func add(version: String) throws {
        let call = try Calls.make("ADD", Calls.input(version))
        #expect(call.version == version)
        #expect(call.sandbox == Self.sandbox)
        #expect(call.namespacePath == "/var/run/netns/cni-1")
        #expect(call.previousResult == Array(Calls.result.utf8), "as it was written")
    }

    @Test("settings are read, and what the plugin writes for itself is read as the same again")
    func settings() throws {
        var settings = PluginSettings()
        #expect(try Calls.make("ADD").settings == settings)
        (settings.socket, settings.timeoutSeconds, settings.failOpen) = ("/a \"b\"", 7, true)
        settings.failOpenNamespaces = ["x", "y"]
        let own = settings.json.dropFirst().dropLast()
        let input = "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\(own),\"prevResult\":{}}"
        #expect(try Calls.make("ADD", input).settings == settings)
    }

    @Test("garbage on standard input is error 6 or 7", arguments: [
        ("", PluginError.Code.undecodable), ("garbage", .undecodable), ("{", .undecodable), ("\u{0}", .undecodable),
        ("{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"name\":\"b\"}", .undecodable), ("[]", .invalidConfiguration),
        ("null", .invalidConfiguration), ("7", .invalidConfiguration),
        ("{\"cniVersion\":\"1.0.0\"}", .invalidConfiguration),
        ("{\"cniVersion\":\"1.0.0\",\"name\":3}", .invalidConfiguration),
        (Calls.input(result: nil), .invalidConfiguration), (Calls.input(result: "[]"), .invalidConfiguration),
        (Calls.input("1.0.0", ",\"socket\":\"here\""), .invalidConfiguration),
        (Calls.input("1.0.0", ",\"timeoutSeconds\":0"), .invalidConfiguration),
        (Calls.input("1.0.0", ",\"timeoutSeconds\":1e9"), .invalidConfiguration),
        (Calls.input("1.0.0", ",\"failOpen\":\"yes\""), .invalidConfiguration),
        (Calls.input("1.0.0", ",\"failOpenNamespaces\":[1]"), .invalidConfiguration),
        (Calls.input("0.2.0"), .incompatibleVersion), (Calls.input("2.0.0"), .incompatibleVersion),
        ("{\"name\":\"n\",\"prevResult\":{}}", .incompatibleVersion),
    ])
    func badInput(input: String, code: PluginError.Code) {
        #expect(Calls.failure("ADD", input) == code)
    }

    @Test("environments that no runtime makes are error 4", arguments: [
        ("CNI_COMMAND", nil), ("CNI_COMMAND", "add"), ("CNI_CONTAINERID", nil), ("CNI_CONTAINERID", "../x"),
        ("CNI_CONTAINERID", "a\tb"), ("CNI_NETNS", nil), ("CNI_NETNS", "net"), ("CNI_NETNS", "/a\nb"),
        ("CNI_IFNAME", nil), ("CNI_IFNAME", "a/b"), ("CNI_IFNAME", "interface-that-is-long"), ("CNI_ARGS", "garbage"),
        ("CNI_ARGS", "K8S_POD_NAMESPACE=shop"), ("CNI_ARGS", "K8S_POD_NAMESPACE=a/b;K8S_POD_NAME=c"),
        ("CNI_ARGS", "K8S_POD_NAMESPACE=a\tb;K8S_POD_NAME=c"),
        ("CNI_ARGS", "K8S_POD_NAMESPACE=a;K8S_POD_NAME=c;K8S_POD_UID=\n"),
    ] as [(String, String?)])
    func badEnvironment(name: String, value: String?) {
        #expect(Calls.failure("ADD", Calls.input(), [name: value]) == .invalidEnvironment)
    }

    @Test("an end needs no namespace, and a container outside of Kubernetes is no pod")
    func optional() throws {
        #expect(try Calls.make("DEL", Calls.input(result: nil), ["CNI_NETNS": ""]).sandbox == Self.sandbox)
        #expect(try Calls.make("ADD", Calls.input(), ["CNI_ARGS": nil]).sandbox == nil)
        #expect(try Calls.make("ADD", Calls.input(), ["CNI_ARGS": "IgnoreUnknown=1"]).sandbox == nil)
    }

    @Test("the list of what there is comes by both of its names")
    func garbageCollection() throws {
        for name in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            let list = ",\"\(name)\":[{\"containerID\":\"a\",\"ifname\":\"eth0\"},{\"containerID\":\"b\"}]"
            #expect(try Calls.make("GC", Calls.input("1.1.0", list)).validContainers == ["a", "b"])
        }
        #expect(try Calls.make("GC", Calls.input("1.1.0")).validContainers == nil)
        #expect(throws: PluginError.self) {
            try Calls.make("GC", Calls.input("1.1.0", ",\"cni.dev/valid-attachments\":[{}]"))
        }
    }
}
