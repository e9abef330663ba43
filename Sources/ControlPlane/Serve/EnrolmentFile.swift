package import ControlAuthority
package import MeshModel

/// The proofs on disk, so that a restarted control plane does not take HBONE from the whole mesh. Lines of
/// `NAMESPACE/NAME NODE LIFE` after a line that names the format.
package struct EnrolmentFile: Sendable {
    package static let name = "enrolment"
    /// 500,000 pods.
    private static let bytesMax = 128 * 1024 * 1024
    private static let header = "apus enrolment 1"

    private let state: StateDirectory

    package init(_ state: StateDirectory) { self.state = state }

    /// Nothing when there is no file.
    package func load() throws(AuthorityError) -> [PodKey: EnrolmentLedger.Placement] {
        guard let text = try state.read(Self.name, isSecret: false, bytesMax: Self.bytesMax) else { return [:] }
        let lines = text.split(separator: "\n")
        guard lines.first.map(String.init) == Self.header else {
            throw .unreadable(
                path: state.path(of: Self.name), expected: "'\(Self.header)' in the first line",
                found: "'\(lines.first?.prefix(40) ?? "")'")
        }
        var proofs: [PodKey: EnrolmentLedger.Placement] = [:]
        for (index, line) in lines.enumerated().dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 3, let pod = PodKey(words[0]) else {
                throw .unreadable(
                    path: "\(state.path(of: Self.name)):\(index + 1)", expected: "NAMESPACE/NAME NODE LIFE",
                    found: "\(words.count) words")
            }
            proofs[pod] = EnrolmentLedger.Placement(node: String(words[1]), life: String(words[2]))
        }
        return proofs
    }

    /// Replaces the file as a whole.
    package func save(_ proofs: [PodKey: EnrolmentLedger.Placement]) throws(AuthorityError) {
        let lines = proofs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.node) \($0.value.life)\n" }
        try state.replace(Self.name, Self.header + "\n" + lines.joined())
    }
}
