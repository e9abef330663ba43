import Foundation

/// What can be seen of a mesh from outside: its pods, its files, its logs.
extension MeshFixture {
    package func namespace(_ name: String) throws -> TestNamespace {
        guard let pod = pods[name] else { throw Unknown(name: name) }
        return pod.namespace
    }

    package func plan(_ name: String) throws -> MeshPodPlan {
        guard let pod = pods[name] else { throw Unknown(name: name) }
        return pod.plan
    }

    /// What apusd reads.
    package var resources: String { "\(directory.path)/resources" }

    /// What apusd writes of it, where it runs waypoints.
    package var statuses: String { "\(directory.path)/status" }

    package func socket(_ node: Int) -> String { "\(directory.path)/node\(node).sock" }

    package func text(_ file: String) -> String {
        let data = FileManager.default.contents(atPath: "\(directory.path)/\(file)") ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// Everything the ztunnel of a node logged.
    package func log(_ node: Int) -> String { text("node\(node).log") }

    /// Ends of the logs, for the message of a failed test.
    package func diagnosis() async -> String {
        var text = ""
        for name in ["apusd.log", "node1.log", "node2.log"] {
            let lines = self.text(name).split(separator: "\n").suffix(12)
            text += "--- \(name)\n\(lines.joined(separator: "\n"))\n"
        }
        for node in 1...2 {
            let status = try? await apus(node, "status")
            text += "--- status of node\(node)\n\(status?.output ?? "none")\n"
        }
        return text
    }

    package struct Unknown: Error, CustomStringConvertible {
        package let name: String
        package var description: String { "no pod \(name) in this mesh" }
    }

    package struct StartFailure: Error, CustomStringConvertible {
        package let cause: String
        package let logs: String
        package var description: String { "the mesh did not come up: \(cause)\n\(logs)" }
    }

    package struct StepFailure: Error, CustomStringConvertible {
        package let cause: String
        package let logs: String

        package init(cause: String, logs: String) {
            self.cause = cause
            self.logs = logs
        }

        package var description: String { "\(cause)\n\(logs)" }
    }
}
