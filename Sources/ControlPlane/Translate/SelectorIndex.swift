/// Finds the selectors that match a set of labels without trying them all. Each selector is filed under one of its
/// label pairs, the rarest among selectors; a lookup visits only what is filed under the labels it is asked about.
struct SelectorIndex<Element> {
    private struct Pair: Hashable {
        let namespace: String
        let key: String
        let value: String
    }

    private struct Entry {
        let selector: [String: String]
        let element: Element
    }

    private var byPair: [Pair: [Entry]] = [:]
    /// Empty selectors: they match everything in their namespace.
    private var unconditional: [String: [Entry]] = [:]

    /// Selectors of a namespace match labels in that namespace only.
    init(_ items: [(namespace: String, selector: [String: String], element: Element)]) {
        var frequencies: [Pair: Int] = [:]
        for item in items {
            for (key, value) in item.selector {
                frequencies[Pair(namespace: item.namespace, key: key, value: value), default: 0] += 1
            }
        }
        for item in items {
            let entry = Entry(selector: item.selector, element: item.element)
            let pairs = item.selector.map { Pair(namespace: item.namespace, key: $0.key, value: $0.value) }
            if let rarest = pairs.min(by: { (frequencies[$0] ?? 0, $0.key) < (frequencies[$1] ?? 0, $1.key) }) {
                byPair[rarest, default: []].append(entry)
            } else {
                unconditional[item.namespace, default: []].append(entry)
            }
        }
    }

    /// Every element whose selector the labels satisfy, in no particular order.
    func matches(namespace: String, labels: [String: String]) -> [Element] {
        var found = (unconditional[namespace] ?? []).map(\.element)
        guard !byPair.isEmpty else { return found }
        for (key, value) in labels {
            guard let entries = byPair[Pair(namespace: namespace, key: key, value: value)] else { continue }
            for entry in entries where entry.selector.allSatisfy({ labels[$0.key] == $0.value }) {
                found.append(entry.element)
            }
        }
        return found
    }
}
