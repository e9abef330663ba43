import Foundation
import MeshTesting
import Testing

/// The annotation that tells of redirection, at a real API server.
@Suite("Redirection at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct RedirectionTests {
    private static let pods = "/api/v1/namespaces/shop/pods"
    private static let path = "metadata/annotations"

    private func until(_ server: APIServer, _ pod: String, _ control: ControlPlane, isEnabled: Bool) async throws {
        var last = ""
        do {
            try await Wait.eventually("redirection of \(pod): \(isEnabled)", seconds: 30, everyMilliseconds: 100) {
                last = try await server.value("\(Self.pods)/\(pod)", Self.path)
                return last.contains(#""ambient.istio.io/redirection":"enabled""#) == isEnabled
            }
        } catch {
            throw APIServer.Missing(description: "\(error); found \(last); log: \(control.log.suffix(3000))")
        }
    }

    @Test("what a node proves is written once, and goes with the proof", .timeLimit(.minutes(5)))
    func follows() async throws {
        let server = try await APIServer()
        let accounts = AccountMaker(server)
        try await accounts.addMesh()
        // Written by somebody long ago; its node has not spoken, so it stays.
        try await server.must(
            "PATCH", "\(Self.pods)/api-1",
            #"{"metadata":{"annotations":{"ambient.istio.io/redirection":"enabled"}}}"#,
            type: "application/merge-patch+json")
        let control = try ControlPlane(server)
        try await control.until("the pods", "/debug/world") { $0.contains("web-1") && $0.contains("api-1") }
        let token = try await accounts.token("apus-system", "ztunnel", pod: "ztunnel-1")
        let node = try EnrolmentCaller(server, roots: control.rootsPath, token: token)
        try node.report([("shop", "web-1", 2)])
        try await until(server, "web-1", control, isEnabled: true)
        let version = try await server.value("\(Self.pods)/web-1", "metadata/resourceVersion")
        try node.report([("shop", "web-1", 2), ("apus-system", "ztunnel-1", 0)])
        try await accounts.addPod("shop", "web-2", "web", node: "node1", address: "10.244.0.6")
        try await control.until("the new pod", "/debug/world") { $0.contains("10.244.0.6") }
        try node.report([("shop", "web-1", 2), ("shop", "web-2", 2)])
        try await until(server, "web-2", control, isEnabled: true)
        #expect(try await server.value("\(Self.pods)/web-1", "metadata/resourceVersion") == version, "written twice")
        try node.report([("shop", "web-1", 3), ("shop", "web-2", 2)])
        try await until(server, "web-1", control, isEnabled: false)
        try await until(server, "web-2", control, isEnabled: true)
        try await until(server, "api-1", control, isEnabled: true)
        // Another life of the name has proven nothing.
        try await server.must("DELETE", "\(Self.pods)/web-2?gracePeriodSeconds=0")
        try await accounts.addPod("shop", "web-2", "web", node: "node1", address: "10.244.0.7")
        try await control.until("the other life", "/debug/world") { $0.contains("10.244.0.7") }
        try node.report([("shop", "web-1", 2)])
        try await until(server, "web-1", control, isEnabled: true)
        try await until(server, "web-2", control, isEnabled: false)
        await node.stop()
        await control.stop()
        await server.stop()
    }
}

/// A node's enrolment stream, by curl: what is written to a pipe goes out as messages of gRPC.
private final class EnrolmentCaller {
    private let pipe: FileHandle
    private let process: MeshProcess

    init(_ server: APIServer, roots: String, token: String, port: Int = 15012) throws {
        let path = "\(server.directory.path)/enrolment-\(UUID())"
        try Shell.run(["mkfifo", path])
        // For reading as well, so that opening does not wait for the other end.
        guard let pipe = FileHandle(forUpdatingAtPath: path) else {
            throw APIServer.Missing(description: "expected a pipe at \(path), found none")
        }
        self.pipe = pipe
        process = try MeshProcess(
            "enrolment", in: server.namespace, output: "\(path).log",
            [
                "sh", "-c", #"exec curl "$@" < "$0""#, path, "-sS", "--http2", "-N", "-X", "POST", "-T", ".",
                "--cacert", roots, "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "expect:",
                "-H", "authorization: Bearer \(token)", "-o", "/dev/null",
                "https://127.0.0.1:\(port)/apus.node.v1.NodeEnrolment/Synchronize",
            ])
    }

    /// The node's whole state: namespace, name and phase (enrolment.proto) of each pod.
    func report(_ pods: [(namespace: String, name: String, phase: UInt8)]) throws {
        var message: [UInt8] = []
        for pod in pods {
            let body = CertificateCaller.field(1, Array(pod.namespace.utf8))
                + CertificateCaller.field(2, Array(pod.name.utf8)) + [0x18, pod.phase]
            message += CertificateCaller.field(2, body)
        }
        try pipe.write(contentsOf: Data(CertificateCaller.framed(message)))
    }

    func stop() async {
        await process.stop()
        try? pipe.close()
    }
}
