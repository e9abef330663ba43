import Crypto
import FoundationEssentials
import Synchronization

/// Which token belongs to whom: to a node, or to a service account whose pods ask for themselves, as waypoints do.
/// Files are read again when they change, so a token is revoked by removing it.
package final class NodeTokens: Sendable {
    /// Where tokens come from.
    package enum Source: Hashable, Sendable {
        /// `tokens/NODE` in the state directory, made for every node that resources name.
        case stateDirectory
        /// Lines `NODE TOKEN`, kept by somebody else.
        case file(path: String)
    }

    private struct Entry {
        var holder: TokenHolder
        var digest: SHA256.Digest
    }

    private struct Known {
        var entries: [Entry] = []
        var changeTimes: [Date?] = []
    }

    private static let directory = "tokens"
    /// Files `NAMESPACE.ACCOUNT`; a namespace has no dot in its name.
    private static let accountDirectory = "account-tokens"
    private let state: StateDirectory
    private let source: Source
    private let known = Mutex(Known())

    /// Reads what is there; throws when a file is readable by others or malformed.
    package init(_ source: Source, state: StateDirectory) throws(AuthorityError) {
        self.source = source
        self.state = state
        if source == .stateDirectory { try state.makeDirectory(Self.directory) }
        try state.makeDirectory(Self.accountDirectory)
        try reload()
    }

    /// Where a person finds the tokens.
    package var place: String {
        switch source {
        case .stateDirectory: return state.path(of: Self.directory)
        case .file(let path): return path
        }
    }

    /// Makes tokens for nodes that have none. Names that are no file names are returned, not made.
    package func ensure(_ nodes: Set<String>) throws(AuthorityError) -> [String] {
        guard source == .stateDirectory else { return [] }
        return try make(nodes, in: Self.directory)
    }

    /// Makes tokens for service accounts that have none. Names that are no file names are returned, not made.
    package func ensure(accounts: Set<TokenHolder.Account>) throws(AuthorityError) -> [String] {
        try make(Set(accounts.map(\.fileName)), in: Self.accountDirectory)
    }

    private func make(_ names: Set<String>, in directory: String) throws(AuthorityError) -> [String] {
        let present = Set(try state.list(directory))
        var refused: [String] = []
        var hasMade = false
        for name in names.subtracting(present).sorted() {
            guard Self.isNodeName(name) else {
                refused.append(name)
                continue
            }
            let token = Self.base64URL(Self.randomBytes(count: 32))
            try state.create("\(directory)/\(name)", token + "\n", isSecret: true)
            hasMade = true
        }
        if hasMade { try reload() }
        return refused
    }

    /// The node whose token this is.
    package func node(presenting token: String) -> String? {
        guard case .node(let node)? = holder(presenting: token) else { return nil }
        return node
    }

    /// Whose token this is. Takes the same time whatever the token is.
    package func holder(presenting token: String) -> TokenHolder? {
        refreshIfChanged()
        let digest = SHA256.hash(data: Data(token.utf8))
        return known.withLock { known in
            var found: TokenHolder?
            // Digests compare in constant time, and all are compared.
            for entry in known.entries where entry.digest == digest { found = entry.holder }
            return found
        }
    }

    private func refreshIfChanged() {
        let changeTimes = changeTimes
        guard known.withLock({ $0.changeTimes != changeTimes }) else { return }
        // A file that became unreadable must not lock out every node: the known tokens stay.
        try? reload()
    }

    private var changeTimes: [Date?] {
        [place, state.path(of: Self.accountDirectory)].map(StateDirectory.changeTime)
    }

    private func reload() throws(AuthorityError) {
        let changeTimes = changeTimes
        let nodes =
            switch source {
            case .stateDirectory: try readDirectory(Self.directory) { .node($0) }
            case .file(let path): try readLines(path)
            }
        let accounts = try readDirectory(Self.accountDirectory) { name in
            TokenHolder.Account(fileName: name).map { .account($0) }
        }
        known.withLock { $0 = Known(entries: nodes + accounts, changeTimes: changeTimes) }
    }

    private func readDirectory(
        _ directory: String, _ holder: (String) -> TokenHolder?
    ) throws(AuthorityError) -> [Entry] {
        var entries: [Entry] = []
        for name in try state.list(directory) {
            guard let holder = holder(name) else { continue }
            let path = state.path(of: "\(directory)/\(name)")
            let text = try StateDirectory.readFile(path, isSecret: true, bytesMax: AuthorityLimits.keyFileBytesMax)
            entries.append(try Self.entry(holder, token: text.trimmed, path: path))
        }
        return entries
    }

    private func readLines(_ path: String) throws(AuthorityError) -> [Entry] {
        let text = try StateDirectory.readFile(path, isSecret: true, bytesMax: AuthorityLimits.tokenFileBytesMax)
        var entries: [Entry] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.isEmpty || words[0].hasPrefix("#") { continue }
            guard words.count == 2 else {
                throw .unreadable(
                    path: "\(path):\(index + 1)", expected: "NODE TOKEN", found: "\(words.count) words")
            }
            entries.append(try Self.entry(.node(String(words[0])), token: String(words[1]), path: path))
        }
        return entries
    }

    private static func entry(_ holder: TokenHolder, token: String, path: String) throws(AuthorityError) -> Entry {
        guard token.utf8.count >= 16 else {
            throw .unreadable(
                path: path, expected: "a token of at least 16 characters for \(holder)",
                found: "\(token.utf8.count) characters")
        }
        return Entry(holder: holder, digest: SHA256.hash(data: Data(token.utf8)))
    }

    /// A DNS subdomain in lower case, as Kubernetes names nodes: safe as a file name.
    package static func isNodeName(_ text: String) -> Bool {
        guard (1...AuthorityLimits.nodeNameBytesMax).contains(text.utf8.count), !text.hasPrefix("."),
            !text.hasPrefix("-")
        else { return false }
        return text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
    }

    /// From the system's generator, which is made for secrets.
    private static func randomBytes(count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// RFC 4648, section 5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var bits: UInt32 = 0
        var bitCount = 0
        var text = ""
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                text.append(alphabet[Int(bits >> UInt32(bitCount) & 63)])
            }
        }
        if bitCount > 0 { text.append(alphabet[Int(bits << UInt32(6 - bitCount) & 63)]) }
        return text
    }
}
