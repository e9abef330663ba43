package import MeshModel
import Synchronization

/// The rules of a node for probes of its pods: the nftables table `inet apus` in the node's own network namespace. What
/// Istio's node agent does with HOST_PROBE_SNAT_IP. The table goes with `remove`, and is taken over by a successor.
package final class NodeProbes: Sendable {
    private struct State: ~Copyable {
        var table: OwnedTable
        /// `nil`: nothing was written by us yet.
        var installed: Set<IPAddress>?
    }

    private let state: Mutex<State>

    /// Opens the socket; changes nothing yet.
    package init(in node: NetworkNamespace) throws(KernelError) {
        let socket = try node.perform { () throws(KernelError) -> NetlinkSocket in try NetlinkSocket.open(.netfilter) }
        state = Mutex(State(table: OwnedTable(socket: socket, ladder: CaptureTable.ownershipLadder)))
    }

    /// Goes on with the owner socket that a predecessor passed over, `ownerDescriptor()` of its rules.
    package init(adoptingOwner descriptor: consuming OwnedDescriptor) throws(KernelError) {
        let socket = try NetlinkSocket.adopt(descriptor)
        state = Mutex(State(table: OwnedTable(socket: socket, ladder: CaptureTable.ownershipLadder)))
    }

    /// A second descriptor of the owner socket, for the process that takes over.
    package func ownerDescriptor() throws(KernelError) -> OwnedDescriptor {
        try state.withLock { state throws(KernelError) in try state.table.duplicateSocket() }
    }

    /// Makes these the pods that the node's own processes reach as probes; the whole table in one batch. The same pods
    /// again cost nothing. Errors: `.tableOwnedByAnother`, `.netlink`.
    @available(*, noasync)
    package func install(_ pods: Set<IPAddress>) throws(KernelError) {
        try state.withLock { state throws(KernelError) in
            guard state.installed != pods else { return }
            let plan = CapturePlan(probesTo: pods, from: CaptureRules.defaultProbeSources)
            try state.table.replace(with: plan)
            state.installed = pods
        }
    }

    /// Whether the kernel has what was installed last.
    @available(*, noasync)
    package func verify() throws(KernelError) -> CaptureState {
        try state.withLock { state throws(KernelError) in
            let plan = CapturePlan(probesTo: state.installed ?? [], from: CaptureRules.defaultProbeSources)
            let content = try state.table.read()
            guard content.header != nil else { return .absent }
            let (ownership, port) = (state.table.ownership, state.table.port)
            guard let words = content.difference(to: plan, ownership: ownership, port: port) else { return .equal }
            return .differs(words)
        }
    }

    /// Takes the table away.
    @available(*, noasync)
    package func remove() throws(KernelError) {
        try state.withLock { state throws(KernelError) in
            try state.table.remove()
            state.installed = nil
        }
    }
}
