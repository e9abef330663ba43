import ControlSources
import ControlTranslate
import Testing

@Suite struct ResourceFileTests {
    struct Broken: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let line: Int
        var testDescription: String { name }
    }

    private static let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n"

    @Test(
        "a text that is no YAML says file and line, and gives nothing",
        arguments: [
            Broken(name: "bad indentation", text: pod + "---\na: 1\n  b: 2\n", line: 7),
            Broken(name: "open bracket", text: pod + "---\na: [1, 2\n", line: 7),
            Broken(name: "tab", text: "a:\n\tb: 1\n", line: 2),
            Broken(name: "key twice", text: pod + "---\na: 1\nb: 2\na: 3\n", line: 6),
            Broken(name: "unknown alias", text: "a: 1\nb: *nobody\n", line: 2),
            Broken(name: "control character", text: "a: 1\nb: 2\nc: \u{1}\n", line: 3),
            Broken(name: "key that is a list", text: "a: 1\n[b]: 2\n", line: 2),
        ])
    func malformed(_ broken: Broken) {
        let file = ResourceFile.parse(text: broken.text, path: "dir/x.yaml")
        #expect(file.isMalformed)
        #expect(file.resources == ResourceSet())
        #expect(file.findings.map(\.origin) == [ResourceOrigin(file: "dir/x.yaml", line: broken.line)])
        #expect(file.findings.first?.severity == .error)
    }

    @Test(
        "texts without resources are fine",
        arguments: ["", "# nothing\n", "---\n---\n", "\u{FEFF}# mark\n", "null\n"])
    func empty(_ text: String) {
        #expect(ResourceFile.parse(text: text, path: "x.yaml") == ResourceFile.Contents())
    }

    @Test("aliases that would expand to billions of values are refused at once")
    func billionLaughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let before = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(before)]\n"
        }
        expectRefusedQuickly(text, "aliases expand")
    }

    @Test(
        "collections of aliases as keys are refused before anybody compares them",
        arguments: ["? *a29\n: 1\n", "*a29 : 1\n", "{[*a29, *a29]: 1}\n", "[*a29]: 1\n", "? [*a29]\n: 1\n"])
    func aliasKeys(_ key: String) {
        var text = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...29 {
            let before = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "- &a\(level) [\(before)]\n"
        }
        let lines = key.split(separator: "\n").enumerated().map { ($0 == 0 ? "- " : "  ") + $1 + "\n" }
        expectRefusedQuickly(text + lines.joined(), "alias")
    }

    @Test("deep nesting is refused", arguments: [70, 900, 200_000])
    func nesting(_ depth: Int) {
        expectRefusedQuickly(
            "a: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth), "")
        expectRefusedQuickly(String(repeating: "- ", count: depth) + "x\n", "")
        expectRefusedQuickly(String(repeating: "? ", count: depth) + "x\n", "")
    }

    private func expectRefusedQuickly(_ text: String, _ words: String) {
        var file = ResourceFile.Contents()
        let time = ContinuousClock().measure { file = ResourceFile.parse(text: text, path: "x.yaml") }
        #expect(file.isMalformed)
        #expect(file.findings.first?.message.contains(words) == true, "\(file.findings)")
        #expect(time < .seconds(10))
    }

    @Test("a file over the limit is refused without being parsed")
    func tooLarge() {
        let file = ResourceFile.parse(text: String(repeating: "# x\n", count: 4_300_000), path: "x.yaml")
        #expect(file.isMalformed && file.findings.count == 1)
    }

    @Test("a file of nothing but values is refused before they fill the memory")
    func tooMany() {
        expectRefusedQuickly("a: [" + String(repeating: "a,", count: 3_000_000) + "a]\n", "values")
    }

    @Test("anchors and merge keys work as in any YAML")
    func anchors() {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: a
              labels: &common {app: web, tier: front}
            spec: {}
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: b
              annotations: &more {extra: "1"}
              labels:
                <<: *more
                app: other
            spec: {}
            """
        let file = ResourceFile.parse(text: text, path: "x.yaml")
        #expect(file.findings.isEmpty)
        let labels = file.resources.pods.map(\.metadata.labels)
        #expect(labels == [["app": "web", "tier": "front"], ["extra": "1", "app": "other"]])
    }

    @Test("text with stars, ampersands and question marks is left alone")
    func harmlessSigns() {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: a
              annotations:
                script: |
                  run & wait ? yes : no
                  *bold* [x]: y 2>&1
                globs: "*.example.com"
            spec: {}
            """
        let file = ResourceFile.parse(text: text, path: "x.yaml")
        #expect(!file.isMalformed && file.resources.pods.count == 1)
    }

    @Test("resources know their file and line")
    func origins() {
        let file = ResourceFile.parse(text: "# head\n\(Self.pod)---\n\(Self.pod)", path: "x.yaml")
        #expect(file.resources.pods.map(\.metadata.origin.description) == ["x.yaml:2", "x.yaml:7"])
    }

    @Test("a name that could be read as another's key is refused", arguments: ["a/b", "A", "", "-a", "a b", "../x"])
    func names(_ name: String) {
        for field in ["name: \"\(name)\"", "name: a, namespace: \"\(name)\""] {
            let text = "apiVersion: v1\nkind: Pod\nmetadata: {\(field)}\nspec: {}\n"
            let file = ResourceFile.parse(text: text, path: "x.yaml")
            #expect(file.resources.pods.isEmpty)
            #expect(file.findings.contains { $0.origin.line == 3 && $0.severity == .error })
        }
    }

    @Test("a file of thousands of pods is read in a moment")
    func large() {
        var text = ""
        for index in 0..<2_000 {
            text += """
                ---
                apiVersion: v1
                kind: Pod
                metadata:
                  name: pod-\(index)
                  namespace: shop
                  labels: {app: app-\(index % 100), version: v1}
                spec:
                  nodeName: node-\(index % 10)
                  serviceAccountName: web
                  containers:
                    - name: main
                      image: example.com/web:1
                      ports: [{name: http, containerPort: 8080}]
                status:
                  phase: Running
                  podIPs: [{ip: 10.0.\(index / 250).\(index % 250 + 1)}]

                """
        }
        var file = ResourceFile.Contents()
        let time = ContinuousClock().measure { file = ResourceFile.parse(text: text, path: "x.yaml") }
        #expect(file.resources.pods.count == 2_000 && file.findings.isEmpty)
        print("read \(text.utf8.count) bytes with 2,000 pods in \(time)")
        #expect(time < .seconds(30))
    }
}
