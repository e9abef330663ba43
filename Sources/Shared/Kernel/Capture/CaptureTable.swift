import MeshModel
import Synchronization

/// The capture rules of one pod: the nftables table `inet apus` in its network namespace, with the routing rules
/// that belong to it. The netlink socket inside is the table's owner, so the table is protected as long as this
/// value lives. It also keeps the namespace alive: let go of it when the pod is gone.
///
/// All calls block for a netlink round trip or two and are safe from any thread; use them from one control thread.
package final class CaptureTable: Sendable {
    /// What is tried, firmest first. `owner` alone is not in it: such a table disappears with its owner, and the
    /// pod's traffic would then leave in clear text when the proxy crashes. Rules that anybody may change are
    /// repaired after a `verify`; rules that are gone protect nobody.
    package static let ownershipLadder: [TableOwnership] = [.persistentOwner, .unowned]

    private struct State: ~Copyable {
        var table: OwnedTable
        var routing: PolicyRouting
        var wanted = CaptureRules()
    }

    private let namespace: NetworkNamespace
    private let state: Mutex<State>

    /// Opens the sockets; changes nothing yet. `ladder` must not be empty.
    package init(
        in namespace: NetworkNamespace, ladder: [TableOwnership] = CaptureTable.ownershipLadder
    ) throws(KernelError) {
        precondition(!ladder.isEmpty, "some kind of ownership must be tried")
        self.namespace = namespace
        let table = try namespace.perform { () throws(KernelError) -> NetlinkSocket in
            try NetlinkSocket.open(.netfilter)
        }
        let routing = try namespace.perform { () throws(KernelError) -> PolicyRouting in try PolicyRouting() }
        state = Mutex(State(table: OwnedTable(socket: table, ladder: ladder), routing: routing))
    }

    /// Goes on with the owner socket that a predecessor passed over, `ownerDescriptor()` of its table, and with the
    /// rules that it wrote.
    package init(
        in namespace: NetworkNamespace, adoptingOwner descriptor: consuming OwnedDescriptor,
        inForce rules: CaptureRules = CaptureRules(), ladder: [TableOwnership] = CaptureTable.ownershipLadder
    ) throws(KernelError) {
        precondition(!ladder.isEmpty, "some kind of ownership must be tried")
        self.namespace = namespace
        let table = try NetlinkSocket.adopt(descriptor)
        let routing = try namespace.perform { () throws(KernelError) -> PolicyRouting in try PolicyRouting() }
        state = Mutex(State(table: OwnedTable(socket: table, ladder: ladder), routing: routing, wanted: rules))
    }

    /// How firmly the kernel holds the table; known after the first `install`, before it the firmest wish.
    package var ownership: TableOwnership { state.withLock { $0.table.ownership } }

    /// A second descriptor of the owner socket, for the process that takes over.
    package func ownerDescriptor() throws(KernelError) -> OwnedDescriptor {
        try locked { state throws(KernelError) in try state.table.duplicateSocket() }
    }

    /// Puts the rules in force, from whatever state: new, the same again, changed by others, or left over by a dead
    /// predecessor. Routes first, then table, chains and rules in one atomic batch: no packet sees half of them, live
    /// connections go on. Errors: `.tableOwnedByAnother`, `.netlink`.
    @available(*, noasync)
    package func install(_ rules: CaptureRules) throws(KernelError) {
        let families = try routedFamilies(rules)
        try locked { state throws(KernelError) in
            try state.routing.install(families)
            try state.table.replace(with: CapturePlan(rules))
            state.wanted = rules
        }
    }

    /// Reads everything back and compares it with what `install` would write.
    @available(*, noasync)
    package func verify(_ rules: CaptureRules) throws(KernelError) -> CaptureState {
        let families = try routedFamilies(rules)
        return try locked { state throws(KernelError) in
            let content = try state.table.read()
            guard content.header != nil else { return .absent }
            let (ownership, port) = (state.table.ownership, state.table.port)
            if let words = content.difference(to: CapturePlan(rules), ownership: ownership, port: port) {
                return .differs(words)
            }
            if let words = try state.routing.difference(families) { return .differs(words) }
            return .equal
        }
    }

    /// Ends capture without touching live connections: redirects out, a keeper in, in one batch. New connections
    /// pass by the proxy; translated ones and those with a foreign source live on. Follow with `remove` when they
    /// have ended.
    @available(*, noasync)
    package func retreat() throws(KernelError) {
        var rules = state.withLock { $0.wanted }
        rules.keeperOnly = true
        try install(rules)
    }

    /// Takes everything away: table, routing rules, routes. Resets connections that still go through the redirect.
    @available(*, noasync)
    package func remove() throws(KernelError) {
        try locked { state throws(KernelError) in
            try state.table.remove()
            try state.routing.remove()
        }
    }

    private func routedFamilies(_ rules: CaptureRules) throws(KernelError) -> [IPAddress.Family] {
        guard rules.ipv6, try namespace.hasIPv6() else { return [.v4] }
        return [.v4, .v6]
    }

    /// Mutex passes on untyped errors only; the closure's own error is the only one there is.
    private func locked<R: ~Copyable>(
        _ body: (inout State) throws(KernelError) -> sending R
    ) throws(KernelError) -> sending R {
        try state.withLock { state throws(KernelError) in try body(&state) }
    }
}
