import ControlAuthority
import ControlSources
import Foundation
import Logging
import MeshModel
import MeshTesting
import Synchronization
import Testing

@testable import ControlKubernetes

/// Objects by their paths, as an API server keeps them: made once, applied, read, listed.
private final class ObjectStore: Sendable {
    private let objects = Mutex<[String: JSONValue]>([:])
    private let denied = Mutex<Set<String>>([])
    let writes = Mutex(0)

    subscript(path: String) -> JSONValue? {
        get { objects.withLock { $0[path] } }
        set { objects.withLock { $0[path] = newValue } }
    }

    func deny(_ path: String) { _ = denied.withLock { $0.insert(path) } }

    func answer(_ request: FakeServer.Request) -> FakeServer.Reply {
        let path = request.plainPath
        if denied.withLock({ $0.contains(path) }) { return .refused(403) }
        switch request.method {
        case "GET" where path == "/api/v1/configmaps":
            let items = objects.withLock { $0.filter { $0.key.contains("/configmaps/") }.map(\.value) }
            return .whole(String(decoding: JSONValue.object([
                "kind": "List", "metadata": ["resourceVersion": "1"], "items": .array(items),
            ]).json, as: UTF8.self))
        case "GET":
            return self[path].map { .whole(String(decoding: $0.json, as: UTF8.self)) } ?? .refused(404)
        default:
            guard let body = try? APIReader.tree(Array(request.body.utf8)).value else { return .refused(400) }
            writes.withLock { $0 += 1 }
            let name = body["metadata"]?["name"]?.text ?? ""
            let place = request.method == "POST" ? "\(path)/\(name)" : path
            let isNew = objects.withLock { objects in
                if request.method == "POST", objects[place] != nil { return false }
                objects[place] = body
                return true
            }
            guard isNew else {
                return .whole(
                    #"{"kind":"Status","code":409,"reason":"AlreadyExists","message":"there"}"#, status: 409)
            }
            return .whole(request.body, status: request.method == "POST" ? 201 : 200)
        }
    }

    static func with(_ body: (ObjectStore, APIClient) async throws -> Void) async throws {
        let store = ObjectStore()
        let server = try await FakeServer { store.answer($0) }
        let configuration = try ClusterConfiguration(
            server: server.url, rootsPEM: nil, client: nil, credentials: .none, origin: "test")
        let client = try APIClient(configuration)
        do { try await body(store, client) } catch { Issue.record("\(error)") }
        await client.close()
        await server.stop()
    }
}

@Suite("The authority on an API server", .timeLimit(.minutes(1)))
struct AuthoritySecretTests {
    private static let now = Int64(Date().timeIntervalSince1970)
    private static let path = "/api/v1/namespaces/apus-system/secrets"

    @Test("it is made once, whoever asks and however many at once, and everybody gets the same")
    func once() async throws {
        try await ObjectStore.with { store, client in
            let texts = await withTaskGroup(of: AuthorityText?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let secret = AuthoritySecret(client, namespace: "apus-system", name: "apus-ca-secret")
                        return try? await secret.open(trustDomain: "cluster.local", nowSeconds: Self.now)
                    }
                }
                return await group.reduce(into: [AuthorityText?]()) { $0.append($1) }
            }
            #expect(texts.count == 8 && Set(texts.map { $0?.fingerprint }).count == 1)
            let made = try #require(texts.first ?? nil)
            _ = try CertificateAuthority(made, lifetimes: LifetimePolicy(), nowSeconds: Self.now)
            let secret = try #require(store["\(Self.path)/apus-ca-secret"])
            #expect(secret["type"]?.text == "istio.io/ca-root")
            #expect(secret["data"]?.members?.keys.sorted() == ["ca-cert.pem", "ca-key.pem", "root-cert.pem"])
        }
    }

    @Test("one that somebody put there goes first, and nothing is made beside it")
    func given() async throws {
        try await ObjectStore.with { store, client in
            let given = try CertificateAuthority.makeRoot(trustDomain: "cluster.local", nowSeconds: Self.now)
            let data = given.entries.mapValues { JSONValue.string(Data($0.utf8).base64EncodedString()) }
            store["\(Self.path)/cacerts"] = ["data": .object(data)]
            let secret = AuthoritySecret(client, namespace: "apus-system", name: "apus-ca-secret")
            let found = try await secret.open(trustDomain: "cluster.local", nowSeconds: Self.now)
            #expect(found.fingerprint == given.fingerprint)
            #expect(store.writes.withLock { $0 } == 0)
        }
    }

    @Test("a Secret with half an authority is refused, and never written over")
    func half() async throws {
        try await ObjectStore.with { store, client in
            store["\(Self.path)/apus-ca-secret"] = ["data": ["ca-cert.pem": "eA=="]]
            let secret = AuthoritySecret(client, namespace: "apus-system", name: "apus-ca-secret")
            let error = await #expect(throws: AuthoritySecretError.self) {
                try await secret.open(trustDomain: "cluster.local", nowSeconds: Self.now)
            }
            #expect(error?.description.contains("Secret apus-system/apus-ca-secret/ca-key.pem is missing") == true)
            #expect(store.writes.withLock { $0 } == 0)
        }
    }

    @Test("missing rights are told with what is missing")
    func forbidden() async throws {
        try await ObjectStore.with { store, client in
            store.deny("\(Self.path)/cacerts")
            let secret = AuthoritySecret(client, namespace: "apus-system", name: "apus-ca-secret")
            let error = await #expect(throws: AuthoritySecretError.self) { try await secret.read() }
            #expect(error?.description.contains("needs the right") == true)
        }
    }

    @Test("which ConfigMaps are written: those that are missing or old, and ours")
    func plan() {
        let plan = RootConfigMaps.plan(
            roots: "new", namespaces: ["a", "b", "c", "d", "kube-system"],
            present: [
                "a": .init(roots: "new", isOurs: true), "b": .init(roots: "old", isOurs: true),
                "c": .init(roots: "old", isOurs: false), "e": .init(roots: "old", isOurs: true),
            ])
        #expect(plan == RootConfigMaps.Plan(writes: ["b", "d"], foreign: ["c"]))
        let same = RootConfigMaps.plan(
            roots: "new", namespaces: ["a"], present: ["a": .init(roots: "new", isOurs: false)])
        #expect(same == RootConfigMaps.Plan())
    }

    @Test("the leader writes the roots to every namespace, also to new ones; nobody else writes")
    func maps() async throws {
        try await ObjectStore.with { store, client in
            let namespaces = Mutex<Set<String>>(["a", "b", "kube-system"])
            let roots = Mutex("one")
            let leads = Mutex(false)
            let maps = RootConfigMaps(client, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let task = Task {
                await maps.run {
                    roots.withLock { $0 }
                } namespaces: {
                    namespaces.withLock { $0 }
                } isLeader: {
                    leads.withLock { $0 }
                }
            }
            func text(_ namespace: String) -> String? {
                store["/api/v1/namespaces/\(namespace)/configmaps/istio-ca-root-cert"]?["data"]?["root-cert.pem"]?.text
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(store.writes.withLock { $0 } == 0)
            leads.withLock { $0 = true }
            try await Wait.eventually("the first") { text("a") == "one" && text("b") == "one" }
            _ = namespaces.withLock { $0.insert("c") }
            try await Wait.eventually("the new namespace") { text("c") == "one" }
            roots.withLock { $0 = "two" }
            try await Wait.eventually("the new roots") { ["a", "b", "c"].allSatisfy { text($0) == "two" } }
            #expect(text("kube-system") == nil)
            #expect(store.writes.withLock { $0 } == 6)
            leads.withLock { $0 = false }
            roots.withLock { $0 = "three" }
            try await Task.sleep(for: .milliseconds(1500))
            #expect(store.writes.withLock { $0 } == 6)
            task.cancel()
            await task.value
        }
    }
}
