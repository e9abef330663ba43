import Foundation

/// Two nodes joined by a link, each with its pods, as a CNI plugin with routed pods makes them.
package enum MeshNetwork {
    package static func makeNodes(_ directory: String) throws -> [TestNamespace] {
        let nodes = [try TestNamespace(), try TestNamespace()]
        for node in nodes {
            try node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        }
        try Shell.run([
            "ip", "link", "add", "backbone", "netns", nodes[0].name, "type", "veth", "peer", "name", "backbone",
            "netns", nodes[1].name,
        ])
        for (index, node) in nodes.enumerated() {
            let (own, other) = (index + 1, 2 - index)
            try batch(
                in: node, directory,
                """
                address add 10.80.0.\(own)/24 dev backbone
                address add fd80::\(own)/112 dev backbone nodad
                link set backbone up
                route add 10.80.\(other).0/24 via 10.80.0.\(other)
                -6 route add fd80::\(other):0/112 via fd80::\(other)
                """)
        }
        return nodes
    }

    package static func makePod(_ plan: MeshPodPlan, on node: TestNamespace, _ directory: String) throws -> MeshPod {
        let pod = MeshPod(plan: plan, namespace: try TestNamespace())
        let device = "p\(plan.octet)"
        try batch(
            in: node, directory,
            """
            link add \(device) type veth peer name eth0 netns \(pod.namespace.name)
            link set \(device) up
            address add 169.254.1.1/32 dev \(device)
            address add fe80::1/64 dev \(device) nodad
            route add \(plan.v4)/32 dev \(device)
            -6 route add \(plan.v6)/128 dev \(device)
            """)
        try batch(
            in: pod.namespace, directory,
            """
            address add \(plan.v4)/32 dev eth0
            address add \(plan.v6)/128 dev eth0 nodad
            link set eth0 up
            route add 169.254.1.1/32 dev eth0
            route add default via 169.254.1.1 dev eth0
            -6 route add default via fe80::1 dev eth0
            """)
        return pod
    }

    /// Many `ip` commands by one program: 200 pods are 2,400 commands.
    private static func batch(in namespace: TestNamespace, _ directory: String, _ commands: String) throws {
        let path = "\(directory)/batch-\(UUID().uuidString)"
        let lines = commands.split(separator: "\n")
        let v4 = lines.filter { !$0.hasPrefix("-6 ") }
        let v6 = lines.filter { $0.hasPrefix("-6 ") }.map { $0.dropFirst(3) }
        for (family, part) in [("-4", v4), ("-6", v6)] where !part.isEmpty {
            try part.joined(separator: "\n").appending("\n").write(toFile: path, atomically: false, encoding: .utf8)
            let families = family == "-6" ? ["-6"] : []
            try Shell.run(["ip"] + families + ["-n", namespace.name, "-batch", path])
        }
        try FileManager.default.removeItem(atPath: path)
    }
}
