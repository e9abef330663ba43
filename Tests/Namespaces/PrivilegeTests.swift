import Foundation
import MeshTesting
import Testing

/// Those of deploy/base/mesh/ztunnel.yaml.
private let granted = ["net_admin", "sys_admin", "sys_ptrace"]

/// The node daemon with what deploy/ grants it, and no more.
@Suite("A node daemon with few privileges", .serialized, .mesh { $0.capabilities = granted })
struct PrivilegeTests {
    @Test("captures, carries and lets go")
    func enough() async throws {
        try await inMesh { mesh in
            for node in 1...2 {
                let process = try #require(mesh.ztunnel(node))
                let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
                // CAP_NET_ADMIN is 12, CAP_SYS_PTRACE 19, CAP_SYS_ADMIN 21.
                for line in ["CapBnd:\t0000000000281000\n", "CapEff:\t0000000000281000\n", "NoNewPrivs:\t1\n"] {
                    #expect(status.contains(line))
                }
            }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            for (host, address) in [("10.80.2.10", "10.80.1.10"), ("fd80::2:10", "fd80::1:10")] {
                // The caller's own address is the source at the other end.
                #expect(try await mesh.greeting(from: "web", to: host).contains("you are \(address)"))
            }
            try mesh.label(false)
            try await mesh.untilReleased()
            #expect(try await mesh.leftovers("web") == "")
            try mesh.label(true)
            try await mesh.untilCaptured()
        }
    }

    @Test("does not capture without one of them", arguments: ["net_admin", "sys_admin"])
    func tooFew(missing: String) async throws {
        try await inMesh { mesh in
            await mesh.ztunnel(2)?.stop()
            let before = mesh.log(2).count
            try mesh.startZtunnel(2, capabilities: granted.filter { $0 != missing })
            try await Wait.eventually("a complaint", seconds: 30) {
                mesh.log(2).dropFirst(before).contains("not permitted")
            }
            #expect(try await mesh.states(2).values.allSatisfy { $0 != "captured" })
            await mesh.ztunnel(2)?.stop()
            try mesh.startZtunnel(2)
            try await mesh.untilReady(2)
            try await mesh.untilCaptured()
        }
    }

    @Test("leaves nothing in any namespace when its pods have left and it has stopped")
    func nothingLeft() async throws {
        try await inMesh { mesh in
            try mesh.label(false)
            try await mesh.untilReleased()
            for node in 1...2 { await mesh.ztunnel(node)?.stop() }
            for pod in mesh.plan.pods { #expect(try await mesh.leftovers(pod.name) == "", "\(pod.name)") }
            for node in mesh.nodes {
                let rules = try await offload { try node.run("nft", "list", "ruleset") }
                #expect(rules.isEmpty, "\(rules)")
                let doors = try await offload { try node.run("ss", "-Hltnp") }
                #expect(!doors.contains("ztunnel"), "\(doors)")
            }
            for node in 1...2 { try mesh.startZtunnel(node) }
            for node in 1...2 { try await mesh.untilReady(node) }
            try mesh.label(true)
            try await mesh.untilCaptured()
        }
    }
}
