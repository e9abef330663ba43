import Crypto
import Foundation

/// The authority's files as they were when it was loaded, to notice that they are others now.
package struct AuthorityFiles: Sendable {
    private let state: StateDirectory
    private let loaded: [String: SHA256.Digest]
    private var seen: [String: SHA256.Digest]

    /// Takes down what the files hold now. To be made when the authority has been loaded from them.
    package init(_ state: StateDirectory) {
        self.state = state
        loaded = Self.digests(state)
        seen = loaded
    }

    /// Paths of the files that have changed since the last look and do not hold what was loaded, in order; a file that
    /// is gone or cannot be read counts as changed.
    package mutating func changes() -> [String] {
        let present = Self.digests(state)
        defer { seen = present }
        return Self.names.filter { present[$0] != seen[$0] && present[$0] != loaded[$0] }.map(state.path)
    }

    private static let names = [AuthorityFile.key, AuthorityFile.certificate, AuthorityFile.roots]

    /// Digests only: a second copy of the key in memory would be one too many.
    private static func digests(_ state: StateDirectory) -> [String: SHA256.Digest] {
        var digests: [String: SHA256.Digest] = [:]
        for name in names {
            let content = try? state.read(
                name, isSecret: name == AuthorityFile.key, bytesMax: AuthorityLimits.certificateFileBytesMax)
            guard let content else { continue }
            digests[name] = SHA256.hash(data: Data(content.utf8))
        }
        return digests
    }
}
