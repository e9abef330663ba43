/// The random numbers of one event loop: xoshiro256** seeded by the system. For choices and correlation ids, never for
/// secrets. A system call for each number, as the system's generator makes one, is 2 % of a new connection.
/// Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators".
package struct LoopGenerator: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// Seeded anew.
    package init() {
        var system = SystemRandomNumberGenerator()
        // The state must not be all zeros.
        self.state = (system.next() | 1, system.next(), system.next(), system.next())
    }

    /// 64 random bits.
    package mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, left: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, left: 45)
        return result
    }

    private static func rotate(_ value: UInt64, left count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
