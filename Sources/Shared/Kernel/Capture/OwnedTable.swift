import Glibc

/// The table of one namespace and the socket that owns it.
struct OwnedTable: ~Copyable {
    private var socket: NetlinkSocket
    private(set) var ownership: TableOwnership
    private var ladder: [TableOwnership]

    /// `ladder` is not empty; its first is the wish.
    init(socket: consuming NetlinkSocket, ladder: [TableOwnership]) {
        self.socket = socket
        self.ownership = ladder[0]
        self.ladder = ladder
    }

    /// What the kernel calls the owner.
    var port: UInt32 { socket.port }

    func duplicateSocket() throws(KernelError) -> OwnedDescriptor { try socket.duplicateDescriptor() }

    /// With the firmest ownership the kernel knows.
    mutating func replace(with plan: CapturePlan) throws(KernelError) {
        for (index, step) in ladder.enumerated() {
            do throws(KernelError) {
                try commit("install capture rules", TableMessages.replace(with: plan, ownership: step))
                ownership = step
                // What this kernel refused once it will refuse again.
                ladder.removeFirst(index)
                return
            } catch {
                // EOPNOTSUPP from kernels that know flags but not these, EINVAL from those before 5.12.
                let unknownFlags = error.errno == EOPNOTSUPP || error.errno == EINVAL
                guard unknownFlags, index + 1 < ladder.count else { throw try explain(error) }
            }
        }
    }

    mutating func remove() throws(KernelError) {
        do throws(KernelError) {
            try commit("remove capture rules", TableMessages.remove)
        } catch {
            throw try explain(error)
        }
    }

    mutating func read() throws(KernelError) -> TableContent {
        var content = TableContent()
        try socket.dump(TableMessages.listTables, restart: { content.header = nil }) {
            (_, body) throws(KernelError) in try content.addTable(body)
        }
        guard content.header != nil else { return content }
        try socket.dump(TableMessages.listChains, restart: { content.chains = [] }) {
            (_, body) throws(KernelError) in try content.addChain(body)
        }
        try socket.dump(TableMessages.listRules, restart: { content.rules = [:] }) {
            (_, body) throws(KernelError) in try content.addRule(body)
        }
        return content
    }

    private mutating func commit(_ label: String, _ messages: [NetlinkMessage]) throws(KernelError) {
        try socket.batch(messages, begin: TableMessages.begin(label), end: TableMessages.end(label))
    }

    /// EPERM on a table means that it has another owner; say whom.
    private mutating func explain(_ error: KernelError) throws(KernelError) -> KernelError {
        guard error.errno == EPERM, let owner = try read().header?.ownerPort, owner != port else {
            return error
        }
        return .tableOwnedByAnother(table: CapturePlan.tableName, port: owner)
    }
}
