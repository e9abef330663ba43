import SeededTesting
import Testing

@testable import NodeCNI

@Suite("Lists of plugins")
struct NetworkListTests {
    private static let calico = """
        {
          "name": "k8s-pod-network",
          "cniVersion": "0.3.1", "unknown": [1, {"b":  2.50}],
          "plugins": [
            {"type": "calico", "mtu": 0},
            {
              "type": "portmap", "snat": true, "capabilities": {"portMappings": true}
            }
          ]   ,
          "last": null
        }

        """
    private let settings = PluginSettings()

    @Test("our plugin comes last, nothing else changes, and it goes without a trace")
    func roundTrip() throws {
        let before = try NetworkList(Array(Self.calico.utf8))
        #expect(before.state(of: settings) == .absent)
        let installed = before.installing(settings)
        #expect(installed.state(of: settings) == .installed)
        let plugins = try JSONSpan(reading: installed.bytes)["plugins"]?.elements
        #expect(plugins?.map { $0["type"]?.text } == ["calico", "portmap", "apus-cni"])
        #expect(installed.installing(settings) == installed, "twice is once")
        #expect(installed.removing() == before)
        #expect(before.removing() == before)
    }

    @Test("settings that changed, a plugin behind ours and a second one of ours are put right")
    func repair() throws {
        let before = try NetworkList(Array(Self.calico.utf8))
        var other = settings
        other.timeoutSeconds = 5
        #expect(before.installing(other).state(of: settings) == .differs)
        #expect(before.installing(other).installing(settings) == before.installing(settings))
        for text in [
            "{\"plugins\":[{\"type\":\"apus-cni\"},{\"type\":\"a\"}]}",
            "{\"plugins\":[{\"type\":\"a\"},{\"type\":\"apus-cni\"},{\"type\":\"apus-cni\"}]}",
            "{\"plugins\":[{\"type\":\"apus-cni\"},{\"type\":\"apus-cni\"},{\"type\":\"a\"},{\"type\":\"apus-cni\"}]}",
        ] {
            let list = try NetworkList(Array(text.utf8))
            let installed = list.installing(settings)
            #expect(installed.state(of: settings) == .installed, "\(text)")
            #expect(String(decoding: installed.removing().bytes, as: UTF8.self) == "{\"plugins\":[{\"type\":\"a\"}]}")
        }
    }

    @Test("what is no list is refused", arguments: [
        "", "{}", "[]", "{\"plugins\":{}}", "{\"plugins\":[]}", "{\"plugins\":[{}]}", "{\"plugins\":[{\"type\":\"\"}]}",
        "{\"plugins\":[{\"type\":\"a\"}],\"plugins\":[]}", "{\"plugins\":[{\"type\":\"a\"}]",
    ])
    func refused(text: String) {
        #expect(throws: NetworkListError.self) { try NetworkList(Array(text.utf8)) }
    }

    @Test("whatever a list looks like, installing and removing gives it back byte for byte")
    func property() throws {
        for seed in 0..<3_000 {
            var maker = ListMaker(generator: SeededGenerator(seed: UInt64(seed)))
            let text = maker.text()
            let list = try NetworkList(Array(text.utf8))
            let installed = list.installing(settings)
            #expect(installed.state(of: settings) == .installed, "seed \(seed): \(text)")
            #expect(installed.removing() == list, "seed \(seed): \(text)")
        }
    }
}

/// Lists as people and programs write them.
private struct ListMaker: SeededMaker {
    var generator: SeededGenerator

    mutating func text() -> String {
        let plugins = list(4, from: 1) { $0.plugin() }.joined(separator: space() + "," + space())
        var members = ["\"plugins\"\(space()):\(space())[\(space())\(plugins)\(space())]"]
        members += list(3) { maker in "\"k\(maker.number())\":\(maker.space())\(maker.value())" }
        let unique = Set(members.map { String($0.prefix { $0 != ":" }) })
        if unique.count < members.count { members = [members[0]] }
        members.shuffle(using: &generator)
        return "\(space()){\(space())\(members.joined(separator: ",\(space())"))\(space())}\(space())"
    }

    private mutating func plugin() -> String {
        let type = pick(["bridge", "portmap", "a\\\"b"], or: "x")
        return "{\(space())\"type\":\(space())\"\(type)\",\"o\":\(value())\(space())}"
    }

    private mutating func value() -> String {
        pick(["1.50", "\"é \\u0041\"", "null", "[]", "[{}, {\"plugins\": []}]", "{\"type\":\"apus-cni\"}"], or: "0")
    }

    private mutating func number() -> Int { Int.random(in: 0...1000, using: &generator) }

    private mutating func space() -> String { pick(["", " ", "\n  ", "\t", "\r\n"], or: "") }
}

@Suite("The directory of networks")
struct NetworkDirectoryTests {
    private let settings = PluginSettings()

    private func file(_ name: String, _ text: String) -> NetworkDirectory.File {
        NetworkDirectory.File(name: name, bytes: Array(text.utf8))
    }

    private let list = "{\"name\":\"n\",\"plugins\":[{\"type\":\"a\"}]}"

    /// Does what a change says.
    private func apply(_ change: NetworkDirectory.Change, _ files: inout [NetworkDirectory.File]) {
        switch change {
        case .nothing, .wait: break
        case .write(let name, let bytes):
            files.removeAll { $0.name == name }
            files.append(NetworkDirectory.File(name: name, bytes: bytes))
        case .remove(let name): files.removeAll { $0.name == name }
        }
    }

    @Test("the first usable file by name is the primary one; the others are left alone")
    func primary() throws {
        var files = [
            file("20-b.conflist", list), file("10-a.conflist", list), file("05-x.txt", list),
            file("00-broken.conflist", "{"), file(".hidden.conflist", list),
        ]
        let before = Set(files)
        let change = NetworkDirectory.installation(in: files, settings)
        guard case .write("10-a.conflist", _) = change else { throw PluginError(.inputOutput, "\(change)") }
        apply(change, &files)
        #expect(NetworkDirectory.installation(in: files, settings) == .nothing)
        for change in NetworkDirectory.removal(from: files) { apply(change, &files) }
        #expect(Set(files) == before)
    }

    @Test("a single configuration gets a list of its own that comes first and follows it")
    func single() throws {
        let single = file("10-a.conf", "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"bridge\",\"mtu\":1}")
        var files = [single]
        apply(NetworkDirectory.installation(in: files, settings), &files)
        #expect(files.map(\.name).sorted() == ["10-a-apus.conflist", "10-a.conf"])
        #expect(NetworkDirectory.installation(in: files, settings) == .nothing)
        let made = try NetworkList(files.first { $0.name != "10-a.conf" }?.bytes ?? [])
        #expect(made.name == "n")
        files[0] = file("10-a.conf", "{\"name\":\"n\",\"type\":\"bridge\",\"mtu\":2}")
        guard case .write("10-a-apus.conflist", let bytes) = NetworkDirectory.installation(in: files, settings) else {
            throw PluginError(.inputOutput, "not followed")
        }
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"mtu\":2"))
        for change in NetworkDirectory.removal(from: files) { apply(change, &files) }
        #expect(files.map(\.name) == ["10-a.conf"])
    }

    @Test("nothing usable is waited for, with the reasons")
    func nothing() {
        #expect(NetworkDirectory.installation(in: [], settings) == .wait(reason: "no network configuration yet"))
        let change = NetworkDirectory.installation(in: [file("1.conf", "{}"), file("2.conflist", "[")], settings)
        guard case .wait(let reason) = change else {
            Issue.record("\(change)")
            return
        }
        #expect(reason.contains("1.conf: ") && reason.contains("2.conflist: "))
        #expect(NetworkDirectory.removal(from: [file("1.conf", "{}"), file("2.conflist", "[")]).isEmpty)
    }
}
