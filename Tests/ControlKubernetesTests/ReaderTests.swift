import ControlSources
import ControlTranslate
import MeshModel
import SeededTesting
import Testing

@testable import ControlKubernetes

@Suite("Envelopes of the API")
struct ReaderTests {
    private static func served(_ name: String, _ version: String = "v1") throws -> ServedKind {
        ServedKind(kind: try #require(ResourceKind.all.first { $0.plural == name }), version: version)
    }

    @Test("items of a list do not say their kind, and are read all the same")
    func list() throws {
        let body = """
            {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":""},"items":[
             {"metadata":{"name":"web","namespace":"shop","resourceVersion":"5"},
              "spec":{"nodeName":"n1","serviceAccountName":"web"},
              "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}]}}]}
            """
        let page = try APIReader(served: Self.served("pods")).page(Array(body.utf8))
        #expect(page.revision == "9" && page.continuing == nil)
        #expect(page.objects.map(\.key) == ["shop/web"])
        let contents = try #require(page.objects.first?.value.contents)
        #expect(contents.findings.isEmpty, "\(contents.findings)")
        #expect(contents.resources.pods.first?.nodeName == "n1")
        #expect(contents.resources.pods.first?.addresses.map(\.description) == ["10.0.0.1"])
    }

    @Test("metadata alone is enough for kinds of which nothing else is used")
    func metadataOnly() throws {
        let line = """
            {"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",
            "metadata":{"name":"shop","resourceVersion":"3","labels":{"istio.io/dataplane-mode":"ambient"}}}}
            """
        let reader = APIReader(served: try Self.served("namespaces"))
        guard case .put("shop", let value, "3") = try reader.change(Array(line.utf8)) else {
            Issue.record("expected a namespace")
            return
        }
        #expect(value.contents.resources.namespaces.map(\.metadata.labels) == [["istio.io/dataplane-mode": "ambient"]])
    }

    @Test(
        "what is no envelope is said so",
        arguments: [
            "", "{", "[]", "null", "{\"type\":\"ADDED\"}", "{\"type\":\"SUNG\",\"object\":{}}",
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}", "{\"object\":{\"metadata\":{\"name\":\"a\"}}}",
            "{\"type\":\"DELETED\",\"object\":[]}", "\u{0}", "{\"type\":\"ADDED\",\"object\":{}} x",
        ])
    func garbage(_ line: String) throws {
        let reader = APIReader(served: try Self.served("pods"))
        #expect {
            _ = try reader.change(Array(line.utf8))
        } throws: { error in
            guard case .malformed? = error as? APIFailure else { return false }
            return true
        }
        #expect(throws: APIFailure.self) { _ = try reader.page(Array(line.utf8)) }
    }

    @Test("an event of type ERROR is the failure that its status says")
    func errors() throws {
        let reader = APIReader(served: try Self.served("pods"))
        func failure(_ status: String) -> APIFailure? {
            do {
                _ = try reader.change(Array("{\"type\":\"ERROR\",\"object\":\(status)}".utf8))
                return nil
            } catch {
                return error
            }
        }
        #expect(failure("{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}") == .expired)
        #expect(failure("{\"code\":429,\"details\":{\"retryAfterSeconds\":4}}") == .busy(retryAfterSeconds: 4))
        #expect(failure("{\"code\":500,\"message\":\"etcd\"}") == .status(500, "etcd"))
        #expect(failure("{}") == .status(500, ""))
    }

    @Test("an object and a document of YAML give the same resource and the same findings")
    func sameAsYAML() throws {
        let json = """
            {"apiVersion":"security.istio.io/v1","kind":"AuthorizationPolicy",
            "metadata":{"name":"p","namespace":"shop","labels":{"n":1}},
            "spec":{"action":"MAYBE","rules":[{"from":[{"source":{"namespaces":"shop","ports":[true,null]}}]}],"x":0.5}}
            """
        let fromFile = ResourceFile.parse(text: json, path: "x")
        let fromServer = ResourceFile.decode(
            try DataTree.json(Array(json.utf8)), apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy",
            source: "x")
        func plain(_ contents: ResourceFile.Contents) -> [String] {
            contents.findings.map(\.message)
                + contents.resources.authorizationPolicies.flatMap { $0.problems.map { "\($0.field) \($0.reason)" } }
        }
        #expect(!plain(fromFile).isEmpty)
        #expect(plain(fromFile) == plain(fromServer))
    }

    @Test("lines come out whole however they are cut", arguments: 0..<50)
    func lines(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let lines = (0..<20).map { number in
            "line \(number) " + String(repeating: "x", count: Int.random(in: 0..<30, using: &generator))
        }
        let bytes = Array((lines.joined(separator: "\n") + "\nhalf").utf8)
        var splitter = LineSplitter(lineBytesMax: 64)
        var found: [String] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1..<40, using: &generator))
            found += try splitter.feed(bytes[start..<end]).map { String(decoding: $0, as: UTF8.self) }
            start = end
        }
        #expect(found == lines)
    }

    @Test("a line without end is not read for ever")
    func longLine() {
        var splitter = LineSplitter(lineBytesMax: 10)
        #expect(throws: APIFailure.tooLarge(10)) {
            for _ in 0..<3 { _ = try splitter.feed([1, 2, 3, 4]) }
        }
    }

    @Test("tokens of pages are escaped in paths")
    func paths() throws {
        let pods = try Self.served("pods")
        #expect(pods.listPath(continuing: "a+/=&b", limit: 5) == "/api/v1/pods?limit=5&continue=a%2B%2F%3D%26b")
        #expect(pods.listPath(continuing: nil, limit: nil) == "/api/v1/pods")
        let maps = try Self.served("configmaps")
        #expect(maps.listPath(continuing: nil, limit: 5).contains("fieldSelector=metadata.name%3Distio"))
        #expect(maps.watchPath(revision: "7", timeoutSeconds: 9).contains("fieldSelector=metadata.name%3Distio"))
        let slices = try Self.served("endpointslices", "v1beta1")
        #expect(
            slices.watchPath(revision: "7", timeoutSeconds: 9)
                == "/apis/discovery.k8s.io/v1beta1/endpointslices?watch=1&allowWatchBookmarks=true&resourceVersion=7"
                + "&timeoutSeconds=9")
    }
}
