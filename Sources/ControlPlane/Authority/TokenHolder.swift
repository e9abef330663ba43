/// Who holds a token.
package enum TokenHolder: Hashable, Sendable, CustomStringConvertible {
    /// A node; it may ask for the identities of the pods placed on it.
    case node(String)
    /// The pods of a service account; they may ask for that one identity.
    case account(Account)
    /// One pod, as the API server knows it; it may ask for the identity of its service account.
    case pod(namespace: String, name: String, account: String)

    /// A service account.
    package struct Account: Hashable, Sendable {
        package let namespace: String
        package let name: String

        package init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }

        /// `NAMESPACE/NAME`.
        package init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            self.init(namespace: String(parts[0]), name: String(parts[1]))
        }

        /// `NAMESPACE.NAME`; what stands before the first dot is the namespace.
        init?(fileName: String) {
            let parts = fileName.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            self.init(namespace: String(parts[0]), name: String(parts[1]))
        }

        var fileName: String { "\(namespace).\(name)" }
    }

    /// `NODE`, `NAMESPACE/ACCOUNT`, or `NAMESPACE/POD`.
    package var name: String {
        switch self {
        case .node(let name): name
        case .account(let account): "\(account.namespace)/\(account.name)"
        case .pod(let namespace, let name, _): "\(namespace)/\(name)"
        }
    }

    package var description: String {
        switch self {
        case .node(let name): "node \(name)"
        case .account: "service account \(name)"
        case .pod(_, _, let account): "pod \(name) of service account \(account)"
        }
    }
}
