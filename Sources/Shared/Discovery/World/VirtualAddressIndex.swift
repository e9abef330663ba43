import HashTreeCollections
import MeshModel

/// An address means something only within a network.
struct NetworkAddress: Hashable, Sendable {
    let network: String
    let ip: IPAddress
}

/// Services by virtual address: exact ones, and blocks by every prefix length in use.
struct VirtualAddressIndex: Equatable, Sendable {
    private struct NetworkBlock: Hashable, Sendable {
        let network: String
        let block: IPBlock
    }

    private struct NetworkFamily: Hashable, Sendable {
        let network: String
        let family: IPAddress.Family
    }

    private var exact = MultiIndex<NetworkAddress, ServiceRecord>()
    private var blocks = MultiIndex<NetworkBlock, ServiceRecord>()
    /// How many blocks there are of each prefix length: a look-up asks once per length, not once per block.
    private var lengths = TreeDictionary<NetworkFamily, [Int: Int]>()

    mutating func insert(_ record: ServiceRecord) {
        for address in Set(record.service.virtualAddresses) {
            if let ip = address.exact {
                let key = NetworkAddress(network: address.network, ip: ip)
                exact.insert(record, for: key, before: ServiceRecord.precedes)
            } else {
                let key = NetworkBlock(network: address.network, block: address.block)
                blocks.insert(record, for: key, before: ServiceRecord.precedes)
                count(address, by: 1)
            }
        }
    }

    mutating func remove(_ record: ServiceRecord) {
        let key = record.service.key
        for address in Set(record.service.virtualAddresses) {
            if let ip = address.exact {
                exact.remove(for: NetworkAddress(network: address.network, ip: ip)) { $0.service.key == key }
            } else {
                let block = NetworkBlock(network: address.network, block: address.block)
                blocks.remove(for: block) { $0.service.key == key }
                count(address, by: -1)
            }
        }
    }

    /// The service that owns the address for a client. Exact addresses before blocks; then the client's own namespace,
    /// the longer prefix, the canonical one. As Istio's ztunnel (src/state).
    func find(_ address: NetworkAddress, clientNamespace: String) -> ServiceRecord? {
        let visible = exact[address].filter { $0.isVisible(from: clientNamespace) }
        if let best = ServiceRecord.best(visible, clientNamespace: clientNamespace) { return best }
        let family = NetworkFamily(network: address.network, family: address.ip.family)
        guard let used = lengths[family] else { return nil }
        var foreign: ServiceRecord?
        // Longest first: the first of the client's namespace wins at once, of the others the first is kept.
        for length in used.keys.sorted(by: >) {
            guard let block = IPBlock(address.ip, length: length) else { continue }
            let found = blocks[NetworkBlock(network: address.network, block: block)]
                .filter { $0.isVisible(from: clientNamespace) }
            guard let best = ServiceRecord.best(found, clientNamespace: clientNamespace) else { continue }
            if best.service.namespace == clientNamespace { return best }
            foreign = foreign ?? best
        }
        return foreign
    }

    private mutating func count(_ address: VirtualAddress, by change: Int) {
        let key = NetworkFamily(network: address.network, family: address.block.address.family)
        var used = lengths[key] ?? [:]
        let left = (used[address.block.length] ?? 0) + change
        used[address.block.length] = left > 0 ? left : nil
        lengths[key] = used.isEmpty ? nil : used
    }
}

extension ServiceRecord {
    /// A fixed order among equals, so that every node and every run chooses the same.
    static func precedes(_ left: ServiceRecord, _ right: ServiceRecord) -> Bool {
        (left.service.namespace, left.service.hostname) < (right.service.namespace, right.service.hostname)
    }

    /// The client's own namespace, then the canonical one, then the preferred namespace, then the first.
    static func best(
        _ candidates: [ServiceRecord], clientNamespace: String, preferredNamespace: String? = nil
    ) -> ServiceRecord? {
        candidates.first { $0.service.namespace == clientNamespace }
            ?? candidates.first { $0.service.isCanonical }
            ?? candidates.first { $0.service.namespace == preferredNamespace }
            ?? candidates.first
    }
}
