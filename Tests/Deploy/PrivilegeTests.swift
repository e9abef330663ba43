import Foundation
import MeshTesting
import Testing
import Yams

/// What pods may do, whatever else changes in the manifests.
@Suite("Privileges of the mesh's own pods")
struct PrivilegeTests {
    private struct Workload {
        let name: String
        let pod: [String: Any]
        let container: [String: Any]

        var security: [String: Any] { container["securityContext"] as? [String: Any] ?? [:] }
        var podSecurity: [String: Any] { pod["securityContext"] as? [String: Any] ?? [:] }
        var capabilities: [String: Any] { security["capabilities"] as? [String: Any] ?? [:] }

        var hostPaths: [String] {
            (pod["volumes"] as? [[String: Any]] ?? []).compactMap {
                ($0["hostPath"] as? [String: Any])?["path"] as? String
            }
        }
    }

    private func workloads(_ overlay: String) throws -> [Workload] {
        let text = try Shell.run([try MeshPrograms().apus, "install", "--overlay", overlay])
        return try Yams.load_all(yaml: text).compactMap { document -> Workload? in
            guard let object = document as? [String: Any], let spec = object["spec"] as? [String: Any],
                let pod = (spec["template"] as? [String: Any])?["spec"] as? [String: Any],
                let containers = pod["containers"] as? [[String: Any]], let container = containers.first
            else { return nil }
            #expect(containers.count == 1 && pod["initContainers"] == nil)
            return Workload(name: container["name"] as? String ?? "?", pod: pod, container: container)
        }
    }

    @Test("nothing runs with more than it needs", arguments: ["base", "minimal", "monitoring", "istio-cni"])
    func least(overlay: String) throws {
        let workloads = try workloads(overlay)
        #expect(workloads.map(\.name).sorted() == ["apusd", "ztunnel"])
        for workload in workloads {
            let profile = workload.podSecurity["seccompProfile"] as? [String: String]
            #expect(profile == ["type": "RuntimeDefault"], "\(workload.name)")
            #expect(workload.security["readOnlyRootFilesystem"] as? Bool == true, "\(workload.name)")
            #expect(workload.security["allowPrivilegeEscalation"] as? Bool == false, "\(workload.name)")
            #expect(workload.security["privileged"] as? Bool != true, "\(workload.name)")
            #expect(workload.capabilities["drop"] as? [String] == ["ALL"], "\(workload.name)")
            #expect(workload.pod["priorityClassName"] != nil, "\(workload.name)")
            for field in ["hostNetwork", "hostPID", "hostIPC"] { #expect(workload.pod[field] == nil, "\(field)") }
            let resources = workload.container["resources"] as? [String: [String: String]]
            #expect(resources?["requests"]?.count == 2 && resources?["limits"]?["memory"] != nil, "\(workload.name)")
        }
    }

    @Test("the control plane has no capability and no path of its node; the node daemon has no token of the API")
    func each() throws {
        for workload in try workloads("base") {
            let added = workload.capabilities["add"] as? [String] ?? []
            switch workload.name {
            case "apusd":
                #expect(added.isEmpty && workload.hostPaths.isEmpty)
                #expect(workload.podSecurity["runAsNonRoot"] as? Bool == true)
            case "ztunnel":
                #expect(added == ["NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"])
                #expect(workload.pod["automountServiceAccountToken"] as? Bool == false)
            default: Issue.record("\(workload.name) is not known here")
            }
        }
        let agent = try #require(try workloads("istio-cni").first { $0.name == "ztunnel" })
        #expect(agent.capabilities["add"] as? [String] == ["NET_ADMIN", "SYS_ADMIN"])
        #expect(agent.hostPaths.sorted() == ["/run/apus", "/run/netns", "/var/run/ztunnel"])
    }
}
