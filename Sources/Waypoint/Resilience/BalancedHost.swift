/// An endpoint as the balancer sees it.
package struct BalancedHost: Hashable, Sendable {
    /// The uid of the workload.
    package let uid: String
    /// At least 1.
    package let weight: UInt32
    /// 0 is the best; the next ones take what the better ones cannot.
    package let priority: Int

    package init(uid: String, weight: UInt32 = 1, priority: Int = 0) {
        self.uid = uid
        self.weight = max(1, weight)
        self.priority = max(0, priority)
    }
}

/// The hosts of one priority by their places in the list of all, and the tables that consistent hashing needs.
struct HostGroup: Sendable {
    let places: [Int]
    let ring: HashRing?
    let maglev: MaglevTable?
    let isWeighted: Bool

    init(_ hosts: [BalancedHost], priority: Int, table: HashTable?) {
        places = hosts.indices.filter { hosts[$0].priority == priority }
        let members = places.map { hosts[$0] }
        isWeighted = members.contains { $0.weight != members.first?.weight }
        switch table {
        case .ring(let size)?:
            ring = HashRing(members, minimumSize: size)
            maglev = nil
        case .maglev(let size)?:
            ring = nil
            maglev = MaglevTable(members, size: size)
        case nil:
            ring = nil
            maglev = nil
        }
    }
}

/// Which table consistent hashing uses, and how large it is.
enum HashTable: Hashable, Sendable {
    case ring(minimumSize: Int)
    case maglev(size: Int)
}
