package import MeshModel

/// What nodes should capture and which identities they may ask for, at one moment.
package struct NodeBook: Sendable {
    /// One node's part.
    package struct Page: Hashable, Sendable {
        package var intents: [PodIntent]
        /// Grows when the node has to report again although nothing it should do has changed.
        package var reportsWanted: UInt64
    }

    package var pages: [String: Page] = [:]
    /// Who waypoints are.
    package var waypoints: Set<Identity> = []
    package var trustDomain: String

    package init(trustDomain: String) { self.trustDomain = trustDomain }

    /// Whether a pod of this identity is placed on the node.
    package func isPlaced(_ identity: Identity, onNode node: String) -> Bool {
        guard identity.trustDomain == trustDomain, let page = pages[node] else { return false }
        return page.intents.contains {
            $0.pod.namespace == identity.namespace && $0.serviceAccount == identity.serviceAccount
        }
    }
}
