import MeshModel

/// Turns a table into candidates in order of precedence, and those into a structure.
struct RouteIndexBuilder {
    /// Leaves with fewer candidates are not worth a key.
    private static let keyedMin = 4

    private let table: RouteTable
    private(set) var rules: [RouteIndex.Rule] = []
    private(set) var findings: [RouteIndex.Finding] = []
    private(set) var candidates: [RouteCandidate] = []
    /// Hostnames of each rule.
    private var hostnames: [[RouteHostname]] = []
    private var built = RouteStructure()
    private var nextTag = RouteStructure.firstFreeTag
    /// Candidates of each leaf, before it is finished.
    private var members: [[Int]] = []

    init(_ table: RouteTable) { self.table = table }

    /// Fills rules, findings and candidates, the latter sorted.
    mutating func compile() {
        for rule in table.http {
            add(rule.origin, rule.hostnames, rule.behaviour, rule.matches) { match, place throws(InvalidPattern) in
                try RouteCandidate(match, rule: place.rule, origin: rule.origin, matchIndex: place.match)
            }
        }
        for rule in table.grpc {
            add(rule.origin, rule.hostnames, rule.behaviour, rule.matches) { match, place throws(InvalidPattern) in
                try RouteCandidate(match, rule: place.rule, origin: rule.origin, matchIndex: place.match)
            }
        }
        candidates.sort { $0.precedence < $1.precedence }
    }

    private mutating func add<Match>(
        _ origin: RouteOrigin, _ hostnames: [RouteHostname], _ behaviour: RouteBehaviour, _ matches: [Match],
        _ candidate: (Match, (rule: Int, match: Int)) throws(InvalidPattern) -> RouteCandidate
    ) {
        var fault: RouteFault?
        for (index, match) in matches.enumerated() {
            do throws(InvalidPattern) {
                candidates.append(try candidate(match, (rules.count, index)))
            } catch {
                fault = .pattern(error.text, reason: error.reason.description)
            }
        }
        if let fault { findings.append(RouteIndex.Finding(origin: origin, fault: fault)) }
        rules.append(RouteIndex.Rule(origin: origin, behaviour: fault.map { RouteBehaviour(.refuse($0)) } ?? behaviour))
        self.hostnames.append(hostnames)
    }

    /// Spreads the candidates over hostnames, paths and keys.
    mutating func structure() -> RouteStructure {
        for (number, candidate) in candidates.enumerated() {
            let names = hostnames[candidate.rule]
            if names.isEmpty { place(number, in: anyHost()) }
            for group in Set(names.map { self.group(of: $0) }).sorted() { place(number, in: group) }
        }
        for leaf in built.leaves.indices { finish(leaf) }
        link()
        return built
    }

    private mutating func tag() -> UInt32 {
        defer { nextTag += 1 }
        return nextTag
    }

    private mutating func newGroup() -> Int {
        built.groups.append(RouteStructure.Group(exactPaths: tag(), root: newNode(parent: -1)))
        return built.groups.count - 1
    }

    private mutating func anyHost() -> Int {
        if let group = built.anyHost { return group }
        let group = newGroup()
        built.anyHost = group
        return group
    }

    private mutating func group(of hostname: RouteHostname) -> Int {
        let tag: UInt32
        let name: [UInt8]
        switch hostname {
        case .exact(let domain): (tag, name) = (RouteStructure.exactHosts, Array(domain.text.utf8))
        case .wildcard(let domain):
            (tag, name) = (RouteStructure.wildcardHosts, Array(domain.text.utf8))
            built.hasWildcards = true
        }
        if let group = built.table.value(tag: tag, name[...]) { return group }
        let group = newGroup()
        return built.table.insert(tag: tag, name[...], group)
    }

    private mutating func newNode(parent: Int) -> Int {
        built.nodes.append(RouteStructure.Node(parent: parent, children: tag()))
        return built.nodes.count - 1
    }

    private mutating func newLeaf() -> Int {
        built.leaves.append(RouteStructure.Leaf(lowest: .max, others: [], keys: []))
        members.append([])
        return built.leaves.count - 1
    }

    private mutating func place(_ number: Int, in group: Int) {
        let leaf: Int
        switch candidates[number].place {
        case .exact(let path):
            let tag = built.groups[group].exactPaths
            leaf = built.table.value(tag: tag, path[...]) ?? newLeaf()
            _ = built.table.insert(tag: tag, path[...], leaf)
        case .below(let segments):
            let node = self.node(segments, from: built.groups[group].root)
            if built.nodes[node].leaf < 0 { built.nodes[node].leaf = newLeaf() }
            leaf = built.nodes[node].leaf
        case .lastBelow(let segments):
            let node = self.node(segments, from: built.groups[group].root)
            if built.nodes[node].last < 0 { built.nodes[node].last = newLeaf() }
            leaf = built.nodes[node].last
        }
        members[leaf].append(number)
    }

    private mutating func node(_ segments: [ArraySlice<UInt8>], from root: Int) -> Int {
        var node = root
        for segment in segments {
            let tag = built.nodes[node].children
            built.nodes[node].hasChildren = true
            let child = built.table.value(tag: tag, segment) ?? newNode(parent: node)
            node = built.table.insert(tag: tag, segment, child)
        }
        return node
    }

    /// Parents come before their children, so each finds its parent's links set.
    private mutating func link() {
        for index in built.nodes.indices {
            let node = built.nodes[index]
            let aboveLeaf = node.parent < 0 ? -1 : built.nodes[node.parent].nearestLeaf
            let aboveLast = node.parent < 0 ? -1 : built.nodes[node.parent].nearestLast
            built.nodes[index].nearestLeaf = node.leaf < 0 ? aboveLeaf : index
            built.nodes[index].nextLeaf = aboveLeaf
            built.nodes[index].nearestLast = node.last < 0 ? aboveLast : index
            built.nodes[index].nextLast = aboveLast
        }
    }

    /// Gives the candidates of a leaf to lists under the key that tells most apart.
    private mutating func finish(_ leaf: Int) {
        let numbers = members[leaf]
        built.leaves[leaf].lowest = numbers.min() ?? .max
        guard numbers.count >= Self.keyedMin else {
            built.leaves[leaf].others = numbers
            return
        }
        var values: [RouteStructure.KeySource: Set<[UInt8]>] = [:]
        for number in numbers {
            for (source, value) in candidates[number].keys { values[source, default: []].insert(value) }
        }
        var tags: [RouteStructure.KeySource: UInt32] = [:]
        for number in numbers {
            let keys = candidates[number].keys
            guard let most = keys.map({ values[$0.source]?.count ?? 0 }).max(), most > 1,
                let key = keys.first(where: { values[$0.source]?.count == most })
            else {
                built.leaves[leaf].others.append(number)
                continue
            }
            let tag = tags[key.source] ?? self.tag()
            if tags.updateValue(tag, forKey: key.source) == nil {
                built.leaves[leaf].keys.append(RouteStructure.Key(source: key.source, tag: tag))
            }
            let known = built.table.value(tag: tag, key.value[...])
            let list = built.table.insert(tag: tag, key.value[...], known ?? built.lists.count)
            if known == nil { built.lists.append([]) }
            built.lists[list].append(number)
        }
    }
}

extension RouteCandidate {
    /// What a request must hold exactly, in an order that is the same for all candidates.
    fileprivate var keys: [(source: RouteStructure.KeySource, value: [UInt8])] {
        var keys: [(source: RouteStructure.KeySource, value: [UInt8])] = []
        for check in headers { if let value = check.value.exact { keys.append((.header(check.name), value)) } }
        for check in query { if let value = check.value.exact { keys.append((.query(check.name), value)) } }
        if case .call(_, .exact(let method)) = path { keys.append((.callMethod, method)) }
        return keys
    }
}
