/// What the node daemon writes down for the plugin, which reads it while the daemon is away: namespaces that have
/// something to capture. Pods of others start without the daemon. A line of its own for the format, then names.
package struct CapturedNamespaces: Hashable, Sendable {
    private static let header = "apus captured namespaces 1"

    package let names: Set<String>

    package init(_ names: Set<String>) { self.names = names }

    /// `nil` for what is no such list, and for a part of one.
    package init?(text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // A list that ends without its last line break was cut off.
        guard lines.first.map(String.init) == Self.header, lines.popLast()?.isEmpty == true else { return nil }
        self.names = Set(lines.dropFirst().map(String.init))
    }

    package var text: String { ([Self.header] + names.sorted()).map { "\($0)\n" }.joined() }

    /// Where it lies for a daemon with this control socket.
    package static func path(besides socket: String) -> String { socket + ".namespaces" }
}
