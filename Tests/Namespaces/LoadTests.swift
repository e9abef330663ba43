import Foundation
import MeshTesting
import Testing

@Suite("A node under load", .serialized)
struct LoadTests {
    /// Memory that 1,000 relayed connections may hold in a debug build, per process, in KiB.
    private static let residentGrowthMax = 200 << 10

    @Test("holds 1,000 idle connections, and everything is back when they are closed")
    func idleConnections() async throws {
        try await MeshGate.shared.pass {
            try await MeshFixture.with { mesh in
                #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
                let daemons = try [1, 2].map { try #require(mesh.ztunnel($0)) }
                let before = daemons.map { ($0.descriptorCount, $0.residentKibibytes) }

                let path = "\(mesh.directory.path)/idle.json"
                let holder = try mesh.application(in: "web", "idle", "10.80.2.10", "1000", path)
                try await Wait.eventually("1,000 connections", seconds: 60) {
                    if !holder.isRunning { throw MeshFixture.StepFailure(cause: holder.output, logs: "") }
                    return mesh.text("idle.json").contains("1000")
                }
                for (index, reporter) in ["source", "destination"].enumerated() {
                    let node = index + 1
                    let labels = ["reporter": reporter]
                    let opened = try await mesh.metric(node, "istio_tcp_connections_opened_total", labels)
                    let closed = try await mesh.metric(node, "istio_tcp_connections_closed_total", labels)
                    #expect(opened - closed == 1000)
                    let growth = daemons[index].residentKibibytes - before[index].1
                    #expect(growth < Self.residentGrowthMax, "node\(node) grew by \(growth) KiB")
                }
                #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
                await holder.stop(seconds: 20)

                for (index, reporter) in ["source", "destination"].enumerated() {
                    let node = index + 1
                    try await Wait.eventually("counters of node\(node) at zero", seconds: 20) {
                        let all = try await mesh.metrics(node)
                        func sum(_ name: String, _ label: String) -> Double {
                            all.filter { $0.name == name && $0.text.contains(label) }.map(\.value).reduce(0, +)
                        }
                        let label = "reporter=\"\(reporter)\""
                        return sum("istio_tcp_connections_opened_total", label)
                            == sum("istio_tcp_connections_closed_total", label)
                            && sum("istio_tcp_sockets_open", label) <= 16
                            && sum("apus_connection_records_finished_twice_total", "") == 0
                            && sum("apus_connection_records_unfinished_total", "") == 0
                    }
                    // A few, here and above: connections to peers and to the control plane stay.
                    try await Wait.eventually("descriptors of node\(node) back", seconds: 20) {
                        daemons[index].descriptorCount <= before[index].0 + 16
                    }
                }
            }
        }
    }

    @Test("captures 200 pods attached at once")
    func manyPods() async throws {
        var plan = MeshFixture.Plan()
        plan.pods = (1...200).map { number in
            var pod = MeshPodPlan("pod-\(number)", node: 1, octet: number)
            pod.isServing = number <= 2
            return pod
        }
        plan.isAttached = false
        let pods = plan
        try await MeshGate.shared.pass {
            try await MeshFixture.with(pods) { mesh in
                // One program for all: starting 200 would be what is measured.
                let path = "\(mesh.directory.path)/attach"
                let lines = pods.pods.compactMap { mesh.pods[$0.name] }.map { pod in
                    "\(mesh.programs.apus) attach \(pod.namespace.path) --pod \(pod.plan.key)"
                        + " --socket \(mesh.socket(1)) &"
                }
                try "set -e\n\(lines.joined(separator: "\n"))\nwait\n".write(
                    toFile: path, atomically: false, encoding: .utf8)
                let started = ContinuousClock.now
                try await offload { _ = try Shell.run(["bash", path]) }
                try await mesh.untilState(pods.pods.map(\.name), "captured", seconds: 40)
                #expect(started.duration(to: .now) < .seconds(40))
                #expect(try await mesh.greeting(from: "pod-3", to: "10.80.1.2").contains("hello from pod-2"))
                try mesh.label(false)
                try await mesh.untilReleased(seconds: 40)
                #expect(try await mesh.leftovers("pod-200") == "")
            }
        }
    }
}
