import Foundation
package import MeshModel

/// An agent of SPIFFE's Workload API beside a mesh: Tests/Fixtures/Programs/spiffe-agent.py.
package final class SPIFFEAgent: Sendable {
    /// What the agent gives for one identity.
    package struct SVID: Sendable {
        package let identity: Identity
        let chain: [UInt8]
        let key: [UInt8]
        let bundle: [UInt8]

        package init(_ identity: Identity, by authority: TestAuthority) throws {
            self.identity = identity
            (chain, key) = try authority.svid(.init(identity))
            bundle = try authority.bundle()
        }
    }

    private let directory: TemporaryDirectory

    package init() throws { directory = try TemporaryDirectory() }

    /// As `SPIFFE_ENDPOINT_SOCKET` has it.
    package var endpoint: String { "unix://\(socket)" }

    private var socket: String { "\(directory.path)/agent.sock" }
    private var script: String { "\(directory.path)/script" }

    /// What it says from now on, to callers that are there and to those that come.
    package func say(_ svids: [SVID]) throws {
        let list = svids.map { svid in
            [
                "id": svid.identity.description, "chain": Self.hex(svid.chain), "key": Self.hex(svid.key),
                "bundle": Self.hex(svid.bundle),
            ]
        }
        try write(["svids": list])
    }

    /// Bytes in place of a message.
    package func say(raw: [UInt8]) throws { try write(["raw": Self.hex(raw)]) }

    private func write(_ object: [String: Any]) throws {
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: script), options: .atomic)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Starts it on a mesh's first node; it ends with what is returned.
    package func start(in mesh: MeshFixture) async throws -> MeshProcess {
        let program = "\(mesh.programs.checkout)/Tests/Fixtures/Programs/spiffe-agent.py"
        let log = "\(mesh.directory.path)/spiffe-agent-\(UUID().uuidString.prefix(8)).log"
        let process = try MeshProcess(
            "agent of SPIFFE", in: mesh.nodes[0], output: log,
            [try mesh.programs.grpcPython(), program, socket, script])
        try await Wait.eventually("agent of SPIFFE") { process.output.contains("serving") }
        return process
    }
}
