extension Span<UInt8> {
    /// Whether other bytes are these, from a place of theirs on.
    @inlinable
    package func isSame(as other: Span<UInt8>, from start: Int = 0) -> Bool {
        guard start + count <= other.count else { return false }
        let other = other.extracting(start..<(start + count))
        for place in 0..<count where self[place] != other[place] { return false }
        return true
    }

    /// Whether these are the bytes of a text.
    @inlinable
    package func isEqual(_ text: String) -> Bool {
        let view = text.utf8
        let bytes = view.span
        return count == bytes.count && isSame(as: bytes)
    }
}
