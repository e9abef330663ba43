import Foundation
import MeshTesting
import Testing

/// Tokens as a real API server makes and reviews them.
@Suite("Trust by a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct TrustTests {
    private let system = "apus-system"

    @Test("bound tokens are worth what their pods are", .timeLimit(.minutes(5)))
    func tokens() async throws {
        let server = try await APIServer()
        let accounts = AccountMaker(server)
        try await accounts.addMesh()
        let control = try ControlPlane(server)
        try await control.until("the pods", "/debug/world") { $0.contains("web-1") && $0.contains("api-1") }
        let caller = try CertificateCaller(server, roots: control.rootsPath)
        let one = try await accounts.token(system, "ztunnel", pod: "ztunnel-1")
        let two = try await accounts.token(system, "ztunnel", pod: "ztunnel-2")
        let web = try await accounts.token("shop", "web", pod: "web-1")
        func check(
            _ subject: String, _ token: String, _ identity: String?, _ status: Int, _ words: String = ""
        ) async throws {
            let answer = try await caller.ask(token, identity.map { "spiffe://cluster.local/ns/\($0)" })
            let says = words.isEmpty || answer.message.contains(words)
            #expect(answer.status == status && says, "\(subject): \(answer)")
            if status == 0 { #expect(String(decoding: answer.body, as: UTF8.self).contains("BEGIN CERTIFICATE")) }
        }
        try await check("own node", one, "shop/sa/web", 0)
        try await check("own node, once more", one, "shop/sa/web", 0)
        try await check("the other's own node", two, "shop/sa/api", 0)
        try await check("token of another node", two, "shop/sa/web", 16, "place no pod of")
        try await check("a pod for itself", web, "shop/sa/web", 0)
        try await check("a pod for itself, unsaid", web, nil, 0)
        try await check("a pod for another", web, "shop/sa/api", 16, "may ask for itself only")
        try await check("no token at all", "x", "shop/sa/web", 16, "the API server refuses the token")
        let unbound = try await accounts.token(system, "ztunnel", pod: nil)
        try await check("bound to no pod", unbound, "shop/sa/web", 16, "found one bound to none")
        let other = try await accounts.token(system, "ztunnel", pod: "ztunnel-1", audience: "vault")
        try await check("another audience", other, "shop/sa/web", 16, "audience")
        for (subject, token, words) in try await accounts.madeTokens() {
            try await check(subject, token, "shop/sa/web", words.isEmpty ? 0 : 16, words)
        }
        try await lives(server, accounts, caller, control, web: web)
        await control.stop()
        await server.stop()
    }

    /// What becomes of a token when its pod goes, and when another takes the name.
    private func lives(
        _ server: APIServer, _ accounts: AccountMaker, _ caller: CertificateCaller, _ control: ControlPlane,
        web: String
    ) async throws {
        try await server.must("DELETE", "/api/v1/namespaces/shop/pods/web-1?gracePeriodSeconds=0")
        try await Wait.eventually("no certificate for a pod that is gone", seconds: 20, everyMilliseconds: 200) {
            let answer = try await caller.ask(web, nil)
            return answer.status == 16 && answer.message.contains("is not known")
        }
        try await accounts.addPod("shop", "web-1", "web", node: "node1", address: "10.244.0.9")
        try await control.until("the new pod", "/debug/world") { $0.contains("10.244.0.9") }
        let answer = try await caller.ask(web, nil)
        #expect(answer.status == 16, "\(answer)")
        #expect(answer.message.contains("with uid") || answer.message.contains("refuses"), "\(answer.message)")
        let fresh = try await accounts.token("shop", "web", pod: "web-1")
        #expect(try await caller.ask(fresh, nil).status == 0)
    }

    @Test("an API server that is away refuses nobody, and tokens count again when it is back", .timeLimit(.minutes(5)))
    func away() async throws {
        let server = try await APIServer()
        let accounts = AccountMaker(server)
        try await accounts.addMesh()
        let control = try ControlPlane(server)
        try await control.until("the pods", "/debug/world") { $0.contains("web-1") }
        let caller = try CertificateCaller(server, roots: control.rootsPath)
        let (known, unknown) = (
            try await accounts.token("shop", "web", pod: "web-1"),
            try await accounts.token(system, "ztunnel", pod: "ztunnel-1")
        )
        #expect(try await caller.ask(known, nil).status == 0)
        await server.stop()
        #expect(try await caller.ask(known, nil).status == 0, "known for half a minute")
        let answer = try await caller.ask(unknown, "spiffe://cluster.local/ns/shop/sa/web")
        #expect(answer.status == 14, "\(answer)")
        try await server.start()
        try await Wait.eventually("reviews", seconds: 30, everyMilliseconds: 200) {
            try await caller.ask(unknown, "spiffe://cluster.local/ns/shop/sa/web").status == 0
        }
        await control.stop()
        await server.stop()
    }
}

/// Makes accounts, pods and tokens on an API server.
struct AccountMaker {
    private let server: APIServer

    init(_ server: APIServer) { self.server = server }

    /// Two nodes: a ztunnel on each, `web` on the first, `api` on the second.
    func addMesh() async throws {
        for namespace in ["apus-system", "shop"] {
            try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"\#(namespace)"}}"#)
        }
        for (namespace, account) in [("apus-system", "ztunnel"), ("shop", "web"), ("shop", "api")] {
            try await server.must(
                "POST", "/api/v1/namespaces/\(namespace)/serviceaccounts", #"{"metadata":{"name":"\#(account)"}}"#)
        }
        try await addPod("apus-system", "ztunnel-1", "ztunnel", node: "node1", address: "10.244.0.2")
        try await addPod("apus-system", "ztunnel-2", "ztunnel", node: "node2", address: "10.244.1.2")
        try await addPod("shop", "web-1", "web", node: "node1", address: "10.244.0.5")
        try await addPod("shop", "api-1", "api", node: "node2", address: "10.244.1.5")
    }

    func addPod(
        _ namespace: String, _ name: String, _ account: String, node: String, address: String,
        labels: [String: String] = [:]
    ) async throws {
        let pods = "/api/v1/namespaces/\(namespace)/pods"
        let texts = labels.map { #""\#($0.key)":"\#($0.value)""# }.joined(separator: ",")
        try await server.must(
            "POST", pods,
            """
            {"metadata":{"name":"\(name)","labels":{\(texts)}},"spec":{"nodeName":"\(node)",\
            "serviceAccountName":"\(account)","containers":[{"name":"a","image":"a"}]}}
            """)
        try await server.must(
            "PATCH", "\(pods)/\(name)/status",
            """
            {"status":{"phase":"Running","podIP":"\(address)","podIPs":[{"ip":"\(address)"}],\
            "conditions":[{"type":"Ready","status":"True"}]}}
            """, type: "application/merge-patch+json")
    }

    /// - Parameter pod: `nil`: bound to none.
    func token(
        _ namespace: String, _ account: String, pod: String?, audience: String = "istio-ca"
    ) async throws -> String {
        var bound = ""
        if let pod {
            let uid = try await uid("/api/v1/namespaces/\(namespace)/pods/\(pod)")
            bound = #","boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"\#(pod)","uid":"\#(uid)"}"#
        }
        let (status, text) = try await server.call(
            "POST", "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
            """
            {"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest",\
            "spec":{"audiences":["\(audience)"],"expirationSeconds":3600\(bound)}}
            """)
        let answer = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        guard status == 201, let token = (answer?["status"] as? [String: Any])?["token"] as? String else {
            throw APIServer.Missing(description: "no token: \(status) \(text.prefix(300))")
        }
        return token
    }

    private func uid(_ path: String) async throws -> String {
        let text = try await server.call("GET", path).text
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return (object?["metadata"] as? [String: Any])?["uid"] as? String ?? ""
    }

    /// Tokens of ztunnel-1 written by hand: one as the API server writes them, one that has expired, one with another
    /// key. With words of the refusal; none: it is good.
    func madeTokens() async throws -> [(subject: String, token: String, words: String)] {
        let folder = server.directory.path
        try Shell.run(["openssl", "genrsa", "-out", "\(folder)/stranger.key", "2048"])
        let now = Int(Date().timeIntervalSince1970)
        let pod = try await uid("/api/v1/namespaces/apus-system/pods/ztunnel-1")
        let account = try await uid("/api/v1/namespaces/apus-system/serviceaccounts/ztunnel")
        func made(_ key: String, issued: Int, expires: Int) throws -> String {
            let claims = """
                {"iss":"https://kubernetes.default.svc","aud":["istio-ca"],"iat":\(issued),"nbf":\(issued),\
                "exp":\(expires),"sub":"system:serviceaccount:apus-system:ztunnel","kubernetes.io":\
                {"namespace":"apus-system","serviceaccount":{"name":"ztunnel","uid":"\(account)"},\
                "pod":{"name":"ztunnel-1","uid":"\(pod)"}}}
                """
            let signed = "\(Self.base64(Data(#"{"alg":"RS256"}"#.utf8))).\(Self.base64(Data(claims.utf8)))"
            try signed.write(toFile: "\(folder)/signed", atomically: true, encoding: .utf8)
            try Shell.run([
                "openssl", "dgst", "-sha256", "-sign", "\(folder)/\(key).key", "-out", "\(folder)/signature",
                "\(folder)/signed",
            ])
            return "\(signed).\(Self.base64(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/signature"))))"
        }
        return [
            ("made as the server makes them", try made("accounts", issued: now - 60, expires: now + 600), ""),
            ("expired", try made("accounts", issued: now - 7200, expires: now - 3600), "refuses the token"),
            ("forged", try made("stranger", issued: now - 60, expires: now + 600), "refuses the token"),
        ]
    }

    private static func base64(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
