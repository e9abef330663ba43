import MeshModel

/// What a ``RouteIndex`` looks things up in.
struct RouteStructure: Sendable {
    static let exactHosts: UInt32 = 0
    /// Keys are the domains, without `*.`.
    static let wildcardHosts: UInt32 = 1
    /// The first tag that is given to something else.
    static let firstFreeTag: UInt32 = 2

    /// The candidates of one hostname.
    struct Group: Sendable {
        /// Tag of its exact paths; their values are leaves.
        let exactPaths: UInt32
        let root: Int
    }

    /// A prefix, or a part of one. Links are node numbers, -1 for none.
    struct Node: Sendable {
        let parent: Int
        /// Tag of its children; their keys are segments, their values nodes.
        let children: UInt32
        var hasChildren = false
        /// Leaf of the candidates of this prefix.
        var leaf = -1
        /// Leaf of those that come behind all prefixes.
        var last = -1
        /// The nearest node with a leaf, from this one upwards; and the next above that one.
        var nearestLeaf = -1
        var nextLeaf = -1
        var nearestLast = -1
        var nextLast = -1
    }

    /// Candidates of one path.
    struct Leaf: Sendable {
        /// The best of them.
        var lowest: Int
        /// Those that no key tells apart, sorted.
        var others: [Int]
        var keys: [Key]
    }

    /// Something of a request that tells candidates apart.
    struct Key: Sendable {
        let source: KeySource
        /// Keys are values of the source, values are lists.
        let tag: UInt32
    }

    enum KeySource: Hashable, Sendable {
        case header([UInt8])
        case query([UInt8])
        case callMethod

        func value(_ head: RequestHead) -> ArraySlice<UInt8>? {
            switch self {
            case .header(let name): head.headerValue(name)
            case .query(let name): head.path.queryValue(name)
            case .callMethod: GRPCCall(head.path)?.method
            }
        }
    }

    var table = ByteTable()
    var groups: [Group] = []
    var nodes: [Node] = []
    var leaves: [Leaf] = []
    /// Candidates that share a value of a key, sorted.
    var lists: [[Int]] = []
    var anyHost: Int?
    var hasWildcards = false
}
