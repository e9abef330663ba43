/// A hash that is the same in every process and on every waypoint, so that all of them send equal keys to the same
/// endpoint. Not for hostile keys in hash tables. FNV-1a, finished as MurmurHash3 is.
package enum StableHash {
    /// The hash of some bytes.
    package static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0) -> UInt64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325 ^ seed
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mix(state)
    }

    /// Another well spread number for each number.
    static func mix(_ number: UInt64) -> UInt64 {
        var state = number
        state = (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd
        state = (state ^ (state >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return state ^ (state >> 33)
    }
}
