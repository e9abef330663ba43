package import MeshModel

/// Which pods peers may reach by HBONE: those whose enrolment their own node has proven. A pure value.
///
/// A proof is for one life of a pod: when its uid, addresses or node change it has to be proven anew.
package struct EnrolmentLedger: Hashable, Sendable {
    /// Where the resources place a pod, and which life of it they mean.
    package struct Placement: Hashable, Sendable {
        package var node: String
        /// Equal for equal lives: made of uid, addresses and service account. No white space.
        package var life: String

        package init(node: String, life: String) {
            self.node = node
            self.life = life
        }
    }

    /// What came of a node's report.
    package struct Outcome: Hashable, Sendable {
        /// The set of proven pods is another now.
        package var hasChanged = false
        /// Pods the caller reported though the resources place them on another node.
        package var foreign: [PodKey] = []
    }

    private(set) package var proofs: [PodKey: Placement]
    /// Pods that were proven and that their nodes are taking out now: they serve HBONE until peers have heard.
    private(set) package var leaving: [PodKey: Placement] = [:]
    private var placements: [PodKey: Placement] = [:]
    /// Proven pods that a node reported before the resources named them.
    private var early: [String: Set<PodKey>] = [:]

    /// - Parameter proofs: what was known when the control plane last ran.
    package init(proofs: [PodKey: Placement] = [:]) { self.proofs = proofs }

    package var proven: Set<PodKey> { Set(proofs.keys) }

    /// The resources changed. Returns the nodes of which a pod began a new life: they have to report again.
    package mutating func place(_ new: [PodKey: Placement]) -> Set<String> {
        var nodes: Set<String> = []
        for (pod, proof) in proofs where new[pod] != proof {
            proofs[pod] = nil
            if let placement = new[pod] { nodes.insert(placement.node) }
        }
        for (node, pods) in early {
            for pod in pods {
                // Only a pod that was not placed before: a new life of a known pod needs a new report.
                guard let placement = new[pod], placements[pod] == nil else { continue }
                early[node]?.remove(pod)
                if placement.node == node { proofs[pod] = placement }
            }
            if early[node]?.isEmpty == true { early[node] = nil }
        }
        leaving = leaving.filter { new[$0.key] == $0.value }
        placements = new
        return nodes
    }

    /// A node's whole state. What it does not mention is not proven.
    package mutating func report(node: String, _ pods: [PodReport]) -> Outcome {
        var outcome = Outcome()
        let before = (proofs, leaving)
        var reported: Set<PodKey> = []
        var unplaced: Set<PodKey> = []
        for report in pods {
            guard let placement = placements[report.pod] else {
                if report.phase == .proven { unplaced.insert(report.pod) }
                continue
            }
            guard placement.node == node else {
                outcome.foreign.append(report.pod)
                continue
            }
            if report.phase == .leaving {
                if proofs[report.pod] == placement { leaving[report.pod] = placement }
                continue
            }
            leaving[report.pod] = nil
            guard report.phase == .proven else { continue }
            reported.insert(report.pod)
            proofs[report.pod] = placement
        }
        for (pod, proof) in proofs where proof.node == node && !reported.contains(pod) { proofs[pod] = nil }
        let mentioned = Set(pods.map(\.pod))
        leaving = leaving.filter { $0.value.node != node || mentioned.contains($0.key) }
        early[node] = unplaced.isEmpty ? nil : unplaced
        outcome.hasChanged = (proofs, leaving) != before
        return outcome
    }
}
