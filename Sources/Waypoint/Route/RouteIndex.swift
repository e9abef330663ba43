package import MeshModel

/// The routes of one table, made ready to find the rule of a request in a time that does not grow with their number:
/// exact paths by hash, prefixes by a tree of segments, many rules of one path by hash of a header or parameter.
///
/// Every candidate has its place in the order of precedence as its number. Wherever the index looks, the numbers are
/// sorted, so the first that holds is the best there, and what is worse than the best so far is not looked at.
package struct RouteIndex: Sendable {
    /// A rule of either kind.
    package struct Rule: Hashable, Sendable {
        package let origin: RouteOrigin
        /// Refuses everything when an expression of the rule is not understood.
        package let behaviour: RouteBehaviour
    }

    /// A rule that was turned into a refusal, and why.
    package struct Finding: Hashable, Sendable {
        package let origin: RouteOrigin
        package let fault: RouteFault
    }

    package enum Outcome: Hashable, Sendable {
        /// No route is attached: the request goes to the service itself.
        case unrouted
        /// Routes are attached, none of their rules matches: 404.
        case unmatched
        case matched(RouteHit)
    }

    package let rules: [Rule]
    package let findings: [Finding]
    let candidates: [RouteCandidate]
    let structure: RouteStructure
    let isRouted: Bool

    package init(_ table: RouteTable) {
        var builder = RouteIndexBuilder(table)
        builder.compile()
        structure = builder.structure()
        candidates = builder.candidates
        rules = builder.rules
        findings = builder.findings
        isRouted = table.routesRequests
    }

    /// The rule for a request: of those with the most specific hostname that has one, the first in the precedence of
    /// the Gateway API.
    package func match(_ head: RequestHead) -> Outcome {
        var examined = 0
        return match(head, examined: &examined)
    }

    /// As ``match(_:)``. Adds to `examined` one for every candidate whose conditions were looked at.
    package func match(_ head: RequestHead, examined: inout Int) -> Outcome {
        guard isRouted else { return .unrouted }
        guard let number = candidate(for: head, examined: &examined) else { return .unmatched }
        let found = candidates[number]
        return .matched(RouteHit(ruleIndex: found.rule, prefixLength: found.prefixLength))
    }

    /// The number of the candidate that ``match(_:)`` takes.
    func candidate(for head: RequestHead, examined: inout Int) -> Int? {
        let host = head.authority.host[...]
        if let group = structure.table.value(tag: RouteStructure.exactHosts, host),
            let number = find(head, in: group, &examined)
        {
            return number
        }
        if structure.hasWildcards {
            for index in host.indices.dropFirst() where host[index] == UInt8(ascii: ".") {
                let domain = host[(index + 1)...]
                guard let group = structure.table.value(tag: RouteStructure.wildcardHosts, domain),
                    let number = find(head, in: group, &examined)
                else { continue }
                return number
            }
        }
        return structure.anyHost.flatMap { find(head, in: $0, &examined) }
    }

    private func find(_ head: RequestHead, in group: Int, _ examined: inout Int) -> Int? {
        let path = head.path.path
        var search = Search(best: .max, examined: examined)
        defer { examined = search.examined }
        if let leaf = structure.table.value(tag: structure.groups[group].exactPaths, path) {
            look(leaf, head, &search)
        }
        // An exact path beats every prefix.
        if search.best == .max { lookInTree(structure.groups[group].root, path, head, &search) }
        return search.best < .max ? search.best : nil
    }

    private func lookInTree(_ root: Int, _ path: ArraySlice<UInt8>, _ head: RequestHead, _ search: inout Search) {
        let deepest = descend(from: root, path)
        if path.first == UInt8(ascii: "/") {
            var node = structure.nodes[deepest].nearestLeaf
            while node >= 0 {
                look(structure.nodes[node].leaf, head, &search)
                node = structure.nodes[node].nextLeaf
            }
        }
        guard search.best == .max else { return }
        var node = structure.nodes[deepest].nearestLast
        while node >= 0 {
            look(structure.nodes[node].last, head, &search)
            node = structure.nodes[node].nextLast
        }
    }

    /// The node of the longest prefix of the path that is in the tree.
    private func descend(from root: Int, _ path: ArraySlice<UInt8>) -> Int {
        var node = root
        var start = path.startIndex + 1
        while start < path.endIndex, structure.nodes[node].hasChildren {
            var end = start
            while end < path.endIndex, path[end] != UInt8(ascii: "/") { end += 1 }
            let children = structure.nodes[node].children
            guard let child = structure.table.value(tag: children, path[start..<end]) else { break }
            node = child
            start = end + 1
        }
        return node
    }

    /// How far looking has come.
    private struct Search {
        /// Number of the best candidate so far.
        var best: Int
        var examined: Int
    }

    /// Looks for something better than the best so far.
    private func look(_ leafIndex: Int, _ head: RequestHead, _ search: inout Search) {
        let leaf = structure.leaves[leafIndex]
        guard leaf.lowest < search.best else { return }
        look(leaf.others, head, &search)
        for key in leaf.keys {
            guard let value = key.source.value(head), let list = structure.table.value(tag: key.tag, value) else {
                continue
            }
            look(structure.lists[list], head, &search)
        }
    }

    private func look(_ list: [Int], _ head: RequestHead, _ search: inout Search) {
        for number in list {
            guard number < search.best else { return }
            search.examined += 1
            if candidates[number].holds(head) {
                search.best = number
                return
            }
        }
    }
}

/// The rule that matched.
package struct RouteHit: Hashable, Sendable {
    /// Its place in ``RouteIndex/rules``.
    package let ruleIndex: Int
    /// Bytes of the path prefix that matched, without a slash at its end; `nil` when something else matched.
    package let prefixLength: Int?

    package init(ruleIndex: Int, prefixLength: Int?) {
        self.ruleIndex = ruleIndex
        self.prefixLength = prefixLength
    }
}
