import Foundation
import HBONE
import MeshTesting
import NIOCore
import Testing
import WaypointHTTP2

/// Foreign clients through a proxy's two connections to an endpoint.
@Suite struct PeerTests {
    private static func curl(_ arguments: String...) async throws -> String {
        let command = ["curl", "-sS", "--max-time", "60", "--http2-prior-knowledge"] + arguments
        return try await offload { try Shell.run(command) }
    }

    private static func proxied() async throws -> (MessageRig, String) {
        let rig = try await MessageRig()
        return (rig, "http://127.0.0.1:\(try await rig.serveProxy(to: try await rig.serveEcho()))")
    }

    @Test func curlGetsAnAnswer() async throws {
        let (rig, base) = try await Self.proxied()
        let answer = try await Self.curl("-i", base + "/")
        #expect(answer.contains("HTTP/2 103") && answer.contains("link: early"), "\(answer)")
        #expect(answer.contains("HTTP/2 200") && answer.contains("x-method: GET"), "\(answer)")
        let head = try await Self.curl("-I", base + "/")
        #expect(head.contains("x-method: HEAD"), "\(head)")
        #expect(rig.failures == [])
    }

    @Test func curlGetsBackWhatItSends() async throws {
        let (rig, base) = try await Self.proxied()
        let folder = try TemporaryDirectory()
        let (sent, got) = (folder.path + "/sent", folder.path + "/got")
        let content = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        try content.write(to: URL(fileURLWithPath: sent))
        _ = try await Self.curl("--data-binary", "@" + sent, "-o", got, base + "/")
        #expect(try Data(contentsOf: URL(fileURLWithPath: got)) == content)
        #expect(rig.failures == [])
    }

    @Test func curlGetsALongAnswer() async throws {
        let (rig, base) = try await Self.proxied()
        let size = try await Self.curl("-o", "/dev/null", "-w", "%{size_download}", base + "/bytes/20000000")
        #expect(size == "20000000")
        let held = try await rig.onLoop { rig.callers.value.map(\.heldBytes) + rig.endpoints.value.map(\.heldBytes) }
        #expect(held.allSatisfy { $0 == 0 }, "\(held)")
    }

    @Test func nghttpGetsItsTrailersBack() async throws {
        let (rig, base) = try await Self.proxied()
        let folder = try TemporaryDirectory()
        let sent = folder.path + "/sent"
        try Data("content".utf8).write(to: URL(fileURLWithPath: sent))
        let output = try await offload {
            try Shell.run(["nghttp", "-v", "-t", "30", "-d", sent, "--trailer", "x-end: told", base + "/"])
        }
        let received = output.components(separatedBy: "recv").dropFirst().joined()
        #expect(received.contains("x-end: told") && received.contains("content"), "\(output)")
        #expect(rig.failures == [])
    }

    @Test func gRPCForPythonCallsEveryKind() async throws {
        let (rig, base) = try await Self.proxied()
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let setup = tests.deletingLastPathComponent().appendingPathComponent("tools/setup-test-peers").path
        let program = tests.appendingPathComponent("Fixtures/Programs/grpc-client.py").path
        let output = try await offload {
            let python = try Shell.run([setup, "--where", "grpc"]).trimmingCharacters(in: .newlines)
            return try Shell.run(["timeout", "60", python, program, base.replacingOccurrences(of: "http://", with: "")])
        }
        #expect(output.split(separator: "\n") == [
            "unary True", "server streams True", "client streams True", "both stream True",
            "deadline DEADLINE_EXCEEDED", "failure NOT_FOUND no such", "cancelled CANCELLED", "afterwards True",
        ])
        // The deadline and the cancelled call, which may not have left.
        let ends = rig.failures
        #expect(ends.allSatisfy { $0 == "caller: reset(CANCEL)" } && (1...2).contains(ends.count), "\(ends)")
    }

    @Test func h2loadKeepsManyStreamsBusy() async throws {
        let (rig, base) = try await Self.proxied()
        let output = try await offload {
            try Shell.run(["h2load", "-n", "3000", "-c", "3", "-m", "50", "-T", "60", base + "/bytes/3000"])
        }
        #expect(output.contains("3000 succeeded, 0 failed"), "\(output)")
        #expect(rig.failures == [])
        try await Wait.eventually("no stream is left") {
            try await rig.onLoop { rig.upstream.value?.streamCount == 0 }
        }
    }
}
