import Testing

@testable import apus

@Suite("apus install and uninstall")
struct InstallTests {
    @Test("with nothing set the manifests stay as they are", arguments: Overlay.allCases)
    func untouched(overlay: Overlay) throws {
        #expect(try InstallValues().applied(to: overlay.text) == overlay.text)
        #expect(overlay.text.hasPrefix("apiVersion: "))
        #expect(overlay.text.hasSuffix("\n") && !overlay.text.hasSuffix("\n\n"))
    }

    @Test("every value goes to all its places and nowhere else", arguments: Overlay.allCases)
    func values(overlay: Overlay) throws {
        let values = try InstallValues([
            "namespace=qq-mesh", "imagePrefix=registry.example:5000/a/b", "imageTag=9.9-x", "trustDomain=example.org",
        ])
        let text = values.applied(to: overlay.text)
        #expect(!text.contains("apus-system") && !text.contains(":0.1.0") && !text.contains("cluster.local"))
        for line in [
            "  namespace: qq-mesh\n", "  name: qq-mesh\n", "image: registry.example:5000/a/b/apusd:9.9-x\n",
            "image: registry.example:5000/a/b/ztunnel:9.9-x\n", "- --trust-domain=example.org\n",
            "- --root-namespace=qq-mesh\n", "value: https://apusd.qq-mesh.svc:15012\n",
            "- --trusted-node-account=qq-mesh/ztunnel\n",
            "- --waypoint-image=registry.example:5000/a/b/waypoint:9.9-x\n",
            "- --waypoint-control-plane=https://apusd.qq-mesh.svc:15012\n",
        ] {
            #expect(text.contains(line), "\(line)")
        }
        // None of the values stands in the manifests by itself, so the way back is plain.
        let back = text.replacing("registry.example:5000/a/b/", with: "apus/").replacing(":9.9-x", with: ":0.1.0")
            .replacing("example.org", with: "cluster.local").replacing("qq-mesh", with: "apus-system")
        #expect(back == overlay.text)
    }

    @Test("the root namespace is that of the mesh unless it is set")
    func rootNamespace() throws {
        let text = try InstallValues(["rootNamespace=istio-system"]).applied(to: Overlay.base.text)
        #expect(text.contains("- --root-namespace=istio-system\n"))
        // The role for what lies there, and its binding.
        #expect(text.split(separator: "  name: apusd-root\n  namespace: istio-system\n").count == 3)
        #expect(text.split(separator: "istio-system").count == 4)
        #expect(text.replacing("istio-system", with: "apus-system") == Overlay.base.text)
    }

    @Test(
        "a value that could change the meaning of the document is refused",
        arguments: [
            "namespace=", "namespace=a b", "namespace=a\nb", "namespace=-a", "namespace=a-", "namespace=true",
            "namespace=7", "namespace=A", "namespace=a: b", "rootNamespace={}", "imagePrefix=", "imagePrefix=a/",
            "imagePrefix=a b", "imagePrefix=&a", "imageTag=", "imageTag=-a", "imageTag=a:b", "imageTag=a\nb",
            "trustDomain=", "trustDomain=a/b", "trustDomain=a b", "unknown=1", "namespace", "",
        ])
    func refused(setting: String) {
        #expect(throws: CommandFailure.self) { try InstallValues([setting]) }
    }

    @Test("uninstall prints the same documents, the namespace last")
    func uninstall() throws {
        for overlay in Overlay.allCases {
            let reversed = Uninstall.reversed(overlay.text)
            let documents = reversed.split(separator: "\n---\n")
            #expect(documents.last?.contains("kind: Namespace") == true)
            #expect(Uninstall.reversed(reversed) == overlay.text)
        }
    }
}
