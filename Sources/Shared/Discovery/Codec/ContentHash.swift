/// A hash of bytes that is the same in every process and on every machine.
package enum ContentHash {
    /// FNV-1a, 64 bits. Not against adversaries: a version is only compared with an older one of the same resource,
    /// and who writes resources may write any version anyway.
    package static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// The hash as text of at most 13 characters: short enough for Swift to keep it without an allocation.
    package static func version(of bytes: some Sequence<UInt8>) -> String {
        String(fnv1a(bytes), radix: 36)
    }
}
