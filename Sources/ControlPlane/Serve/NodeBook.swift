package import MeshModel

/// What nodes should capture and which identities they may ask for, at one moment.
package struct NodeBook: Sendable {
    /// One node's part.
    package struct Page: Hashable, Sendable {
        package var intents: [PodIntent]
        /// Grows when the node has to report again although nothing it should do has changed.
        package var reportsWanted: UInt64
    }

    /// What tokens that are bound to a pod are held against.
    package struct Pod: Hashable, Sendable {
        package var uid: String
        package var serviceAccount: String
        /// Empty until it is placed.
        package var node: String
        /// It has succeeded or failed.
        package var isOver = false

        package init(uid: String, serviceAccount: String, node: String, isOver: Bool = false) {
            self.uid = uid
            self.serviceAccount = serviceAccount
            self.node = node
            self.isOver = isOver
        }
    }

    package var pages: [String: Page] = [:]
    package var pods: [PodKey: Pod] = [:]
    /// The same for every node.
    package var capturedNamespaces: Set<String> = []
    /// Who waypoints are.
    package var waypoints: Set<Identity> = []
    package var trustDomain: String
    /// Namespaces that are there to stay.
    package var namespaces: Set<String> = []

    package init(trustDomain: String) { self.trustDomain = trustDomain }

    /// Whether a pod of this identity is placed on the node.
    package func isPlaced(_ identity: Identity, onNode node: String) -> Bool {
        guard identity.trustDomain == trustDomain, let page = pages[node] else { return false }
        return page.intents.contains {
            $0.pod.namespace == identity.namespace && $0.serviceAccount == identity.serviceAccount
        }
    }

    /// Whether pods of this account are those of a waypoint.
    package func isWaypoint(namespace: String, serviceAccount: String) -> Bool {
        waypoints.contains { $0.namespace == namespace && $0.serviceAccount == serviceAccount }
    }
}
