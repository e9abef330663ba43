/// A value of YAML or JSON with the line it stands on, free of the parser's types.
struct DataNode: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let key: String
        /// Line of the key.
        let line: Int
        let value: DataNode
    }

    enum Content: Hashable, Sendable {
        case null
        /// `isPlain`: written without quotes, so that `true` is a bool and `80` a number.
        case scalar(String, isPlain: Bool)
        case list([DataNode])
        case map([Entry])
    }

    /// Counted from 1.
    let line: Int
    let content: Content

    /// What it is, for messages.
    var summary: String {
        switch content {
        case .null: return "nothing"
        case .scalar(let text, _): return "\"\(text.prefix(64))\""
        case .list: return "a list"
        case .map: return "a mapping"
        }
    }
}

/// What keeps a hostile or broken file from taking the process with it.
enum ResourceFileLimits {
    /// Larger files are refused. A file of 20,000 pods has about 12 MiB.
    static let fileBytesMax = 16 * 1024 * 1024
    /// Commas and line ends, which is how many values a text can have at most, about. The parser takes some 170 bytes
    /// of
    /// memory for each value; a file of 20,000 pods has 600,000.
    static let separatorsMax = 2_000_000
    /// Levels of lists and mappings; real resources stay below 20.
    static let nestingMax = 64
    /// Values a small file may have after its aliases are expanded; larger files one per byte.
    static let expandedNodesMin = 100_000
    /// Keys written with `? ` times the bytes of the file. Resources never need such keys; nested, each of them makes
    /// the
    /// parser go through everything inside once more.
    static let explicitKeyBytesMax = 64 * 1024 * 1024
}
