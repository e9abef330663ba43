package import MeshModel

/// Addresses for waypoints, each given to one at a time. Pure. The next one is always the one that was given least
/// recently: who still knows the last owner must not meet a new one at once.
package struct AddressPool: Hashable, Sendable {
    /// An address and its number in the block.
    package struct Lease: Hashable, Sendable {
        package let address: IPAddress
        package let number: UInt32
    }

    private let block: IPBlock
    private let numbers: ClosedRange<UInt32>
    private let reserved: Set<IPAddress>
    private var given: Set<UInt32> = []
    private var last: UInt32

    /// - Parameter reserved: never given, such as the gateway's.
    ///
    /// `nil` unless the block is IPv4 and has room: the first and the last address are never given.
    package init?(_ block: IPBlock, reserved: Set<IPAddress> = []) {
        guard block.address.family == .v4, (8...30).contains(block.length) else { return nil }
        self.block = block
        self.reserved = reserved
        numbers = 1...((1 << UInt32(32 - block.length)) - 2)
        last = 0
    }

    /// Two addresses, to stand where none could be read.
    package static let smallest = AddressPool(block: IPBlock(IPAddress(v4: 0)), numbers: 1...2)

    private init(block: IPBlock, numbers: ClosedRange<UInt32>) {
        self.block = block
        self.numbers = numbers
        reserved = []
        last = 0
    }

    /// A free address; `nil` when all are given.
    package mutating func take() -> Lease? {
        let count = numbers.upperBound
        for step in 1...count {
            let number = (last + step - 1) % count + 1
            let address = IPAddress(v4: UInt32(truncatingIfNeeded: block.address.low) + number)
            guard !given.contains(number), !reserved.contains(address) else { continue }
            given.insert(number)
            last = number
            return Lease(address: address, number: number)
        }
        return nil
    }

    /// The address may be given again.
    package mutating func giveBack(_ lease: Lease) { given.remove(lease.number) }
}

/// How long to wait before a waypoint that ended is started again: longer each time it ends early, in milliseconds.
package struct RestartDelay: Hashable, Sendable {
    private static let first = 500
    private static let last = 30_000
    /// Who lived so long begins anew.
    private static let longLife = Duration.seconds(60)

    private var next = RestartDelay.first

    package init() {}

    /// - Parameter life: how long it ran.
    package mutating func milliseconds(after life: Duration) -> Int {
        if life >= Self.longLife { next = Self.first }
        defer { next = min(next * 2, Self.last) }
        return next
    }
}
