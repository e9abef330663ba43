import HashTreeCollections

/// Several elements under one key, in an order that does not depend on the order of insertion. Persistent: a copy costs
/// nothing, a change costs what it touches.
struct MultiIndex<Key: Hashable & Sendable, Element: Equatable & Sendable>: Equatable, Sendable {
    private var entries = TreeDictionary<Key, [Element]>()

    subscript(key: Key) -> [Element] { entries[key] ?? [] }

    func first(_ key: Key) -> Element? { entries[key]?.first }

    mutating func insert(_ element: Element, for key: Key, before precedes: (Element, Element) -> Bool) {
        let present = entries[key] ?? []
        let position = present.firstIndex { precedes(element, $0) } ?? present.endIndex
        entries[key, default: []].insert(element, at: position)
    }

    mutating func remove(for key: Key, where isGone: (Element) -> Bool) {
        guard var present = entries[key] else { return }
        present.removeAll(where: isGone)
        entries[key] = present.isEmpty ? nil : present
    }
}
