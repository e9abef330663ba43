import MeshModel

/// Finds NetworkPolicies that let pods of the mesh be connected to, or connect, and forget the port of HBONE. Policies
/// add up: one that admits the port is enough, and without any everything is admitted (kubernetes.io, "Network
/// Policies"). Pods that are let do nothing at all are meant to: nothing is said of them.
struct NetworkPolicyGaps {
    private enum Direction: String, CaseIterable {
        case ingress, egress
    }

    private struct Gap: Hashable {
        let direction: Direction
        /// Indices of the policies that together close it.
        let policies: [Int]
    }

    private let policies: [NetworkPolicyResource]
    private let byNamespace: [String: [Int]]
    /// The first pod of each, by name.
    private var gaps: [Gap: PodResource] = [:]

    init(_ policies: [NetworkPolicyResource]) {
        self.policies = policies
        byNamespace = Dictionary(grouping: policies.indices) { policies[$0].metadata.namespace }
    }

    /// Expects pods that take or make connections of the mesh.
    mutating func check(_ pod: PodResource) {
        let selecting = (byNamespace[pod.metadata.namespace] ?? []).filter {
            policies[$0].selector.matches(pod.metadata.labels)
        }
        guard !selecting.isEmpty else { return }
        for direction in Direction.allCases {
            let closing = selecting.filter { written($0, direction) != nil }
            let rules = closing.flatMap { written($0, direction) ?? [] }
            let isMeant = rules.contains { $0.isForPods && $0.admitsAnyTCP }
            guard isMeant, !rules.contains(where: { admits($0, direction, pod) }) else { continue }
            let gap = Gap(direction: direction, policies: closing)
            if let known = gaps[gap], known.key < pod.key { continue }
            gaps[gap] = pod
        }
    }

    /// One for each direction and set of policies, however many pods they select.
    var findings: [Finding] {
        gaps.compactMap { gap, pod in
            let titles = gap.policies.map { policies[$0] }.sorted { $0.metadata.name < $1.metadata.name }
            guard let first = titles.first else { return nil }
            let others = titles.dropFirst().map(\.metadata.name).joined(separator: ", ")
            let together = others.isEmpty ? "" : " (together with \(others))"
            let port = TunnelPorts.inboundHBONE
            let effect = switch gap.direction {
            case .ingress: "nobody reaches it through the mesh"
            case .egress: "it reaches nobody through the mesh"
            }
            let message =
                "selects pods of the mesh, such as \(pod.metadata.name),\(together) and keeps TCP port \(port) closed:"
                + " \(effect). Add the port to \(gap.direction.rawValue)"
            return Finding(.warning, first.metadata.origin, resource: first.title, message)
        }
    }

    private func written(_ policy: Int, _ direction: Direction) -> [NetworkPolicyResource.Rule]? {
        switch direction {
        case .ingress: policies[policy].ingress
        case .egress: policies[policy].egress
        }
    }

    private func admits(_ rule: NetworkPolicyResource.Rule, _ direction: Direction, _ pod: PodResource) -> Bool {
        guard let ports = rule.ports else { return true }
        return ports.contains { port in
            guard port.isTCP else { return false }
            switch port.target {
            case .every: return true
            case .numbers(let numbers): return numbers.contains(Int(TunnelPorts.inboundHBONE))
            case .name(let name):
                // Outwards it is a name of whoever is connected to, so it could be this port.
                return direction == .egress
                    || pod.namedPorts.contains { $0.name == name && $0.port == TunnelPorts.inboundHBONE }
            }
        }
    }
}

extension NetworkPolicyResource.Rule {
    fileprivate var admitsAnyTCP: Bool { ports?.contains(where: \.isTCP) ?? true }
}
