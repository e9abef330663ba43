import Foundation
import MeshModel
import MeshTesting

/// Two pods joined by a link, apusd and one ztunnel. One of the pods is ours, the other one a foreign peer's.
final class MeshRig: Sendable {
    enum Pod: String, CaseIterable {
        case client, server

        var identity: String { "spiffe://cluster.local/ns/interop/sa/\(rawValue)" }

        func address(_ family: IPAddress.Family) -> String {
            switch (self, family) {
            case (.client, .v4): return "10.96.0.1"
            case (.client, .v6): return "fd00:96::1"
            case (.server, .v4): return "10.96.0.2"
            case (.server, .v6): return "fd00:96::2"
            }
        }
    }

    /// The application's port where the client speaks first; at the next one the server does.
    static let applicationPort = 9000

    let folder: TemporaryDirectory
    private let client: TestNamespace
    private let server: TestNamespace
    private let host: TestNamespace
    private let control: Background
    private let node: Background
    private let socket: String

    /// - Parameter foreign: the pod whose peer is not ours. It is known to speak HBONE by itself.
    init(foreign: Pod) throws {
        folder = try TemporaryDirectory()
        client = try TestNamespace()
        server = try TestNamespace()
        host = try TestNamespace()
        try TestNamespace.link(
            client, "eth0", try Self.addresses(.client), server, "eth0", try Self.addresses(.server))
        let (resources, state) = ("\(folder.path)/resources", "\(folder.path)/state")
        try FileManager.default.createDirectory(atPath: resources, withIntermediateDirectories: false)
        try Self.resources(foreign: foreign)
            .write(toFile: "\(resources)/interop.yaml", atomically: true, encoding: .utf8)
        control = try Background(
            "apusd", in: host, folder: folder.path, isOrderly: true,
            [
                try Repository.program("apusd"), "--resources", resources, "--state", state,
                "--listen", "127.0.0.1:15012",
            ])
        let token = "\(state)/tokens/node"
        try control.wait(for: "a token of the node") { FileManager.default.fileExists(atPath: token) }
        socket = "\(folder.path)/node.sock"
        node = try Background(
            "ztunnel", in: host, folder: folder.path, isOrderly: true,
            environment: [
                "NODE_NAME": "node", "XDS_ADDRESS": "https://127.0.0.1:15012", "CA_ADDRESS": "https://127.0.0.1:15012",
                "XDS_ROOT_CA": "\(state)/root.crt", "CA_ROOT_CA": "\(state)/root.crt", "AUTH_TOKEN": token,
                "APUS_SOCKET": socket,
            ],
            [try Repository.program("ztunnel")])
        try node.wait(for: "the node's socket") { FileManager.default.fileExists(atPath: socket) }
        let ours: Pod = foreign == .client ? .server : .client
        try apus("attach", self[ours].path, "--pod", "interop/\(ours.rawValue)")
        try node.wait(for: "capture of the pod") {
            try apus("status").split(separator: "\n").contains { $0.contains("interop/") && $0.contains("captured") }
        }
    }

    subscript(_ pod: Pod) -> TestNamespace { pod == .client ? client : server }

    var nodeLog: String { node.log }

    @discardableResult
    func apus(_ arguments: String...) throws -> String {
        try Shell.run([try Repository.program("apus")] + arguments + ["--socket", socket])
    }

    /// The application in the server's pod.
    func startApplication() throws -> Background {
        let application = try Background(
            "application", in: server, folder: folder.path,
            ["python3", Self.exchangeScript, "serve", "\(Self.applicationPort)"])
        try application.wait(for: "the application to listen") { application.log.contains("listening") }
        return application
    }

    static let exchangeScript = "\(Repository.root)/Tests/Fixtures/Interop/exchange.py"

    private static func addresses(_ pod: Pod) throws -> [IPAddress] {
        [pod.address(.v4), pod.address(.v6)].compactMap { IPAddress($0) }
    }

    /// The foreign pod's label says that it speaks HBONE without our help.
    private static func resources(foreign: Pod) -> String {
        let pods = Pod.allCases.map { pod in
            let labels = pod == foreign ? "{networking.istio.io/tunnel: http}" : "{istio.io/dataplane-mode: ambient}"
            let node = pod == foreign ? "elsewhere" : "node"
            return """
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: \(pod.rawValue), namespace: interop, labels: \(labels)}
                spec: {nodeName: \(node), serviceAccountName: \(pod.rawValue)}
                status:
                  phase: Running
                  podIP: \(pod.address(.v4))
                  podIPs: [{ip: \(pod.address(.v4))}, {ip: "\(pod.address(.v6))"}]
                  conditions: [{type: Ready, status: "True"}]

                """
        }
        return "apiVersion: v1\nkind: Namespace\nmetadata: {name: interop}\n" + pods.joined()
    }
}
