internal import MeshKernel
internal import MeshModel

/// What a driver goes on with that takes a pod over from another process.
struct PodInheritance: Sendable {
    let standing: PodStanding
    /// The netlink socket that owns the pod's rules.
    let owner: PassedDescriptor?

    func table(in namespace: NetworkNamespace) throws -> CaptureTable {
        guard let descriptor = owner?.take() else { return try CaptureTable(in: namespace) }
        let rules = standing.rules ?? CaptureRules()
        // What the kernel did not grant to the predecessor it will not grant to us.
        let ladder = CaptureTable.ownershipLadder.filter { standing.isOwned || $0 == .unowned }
        return try CaptureTable(in: namespace, adoptingOwner: descriptor, inForce: rules, ladder: ladder)
    }
}

extension PodDriver {
    /// Stops where it is; from its return on nobody here uses the pod's netlink socket. Returns where that is, and a
    /// second descriptor of the socket.
    func freeze() throws(KernelError) -> PodInheritance {
        isFrozen = true
        actionNumber += 1
        audit?.cancel()
        audit = nil
        var standing = machine.standing
        standing.isOwned = table.ownership != .unowned
        return PodInheritance(standing: standing, owner: PassedDescriptor(try table.ownerDescriptor()))
    }

    /// Goes on after `freeze`: nobody has taken over.
    func thaw() {
        guard isFrozen else { return }
        isFrozen = false
        perform(machine.interrupted())
    }

    /// Begins with what was taken over.
    func start(_ desire: PodEnrolment.Desire?) {
        guard let desire else { return perform(nil) }
        perform(machine.want(desire) ?? machine.retryDue())
    }

    /// The pod is another process's from now on: whoever waits here waits for that one.
    func handOver() {
        let waiting = idleWaiters
        idleWaiters.removeAll()
        for waiter in waiting { waiter.resume() }
    }
}
