package import MeshModel

import HashTreeCollections

/// The policies for one workload, and the names of those that should be there and are not.
package struct ApplicablePolicies: Hashable, Sendable {
    package var policies: [AuthorizationPolicy]
    /// Keys of policies that were never received, or received and not understood. Whoever decides must refuse:
    /// one of them might be a denial.
    package var missing: [String]

    package init(policies: [AuthorizationPolicy], missing: [String]) {
        self.policies = policies
        self.missing = missing
    }
}

extension World {
    package func policy(_ key: String) -> AuthorizationPolicy? { policies[key] }

    /// Policies for everyone, for the workload's namespace, and those it names (`Scope` in authorization.proto). A
    /// named policy that was known and has been removed since is ignored.
    package func policies(for workload: Workload) -> ApplicablePolicies {
        var result = ApplicablePolicies(policies: [], missing: [])
        var seen: Set<String> = []
        func add(_ key: String) {
            guard seen.insert(key).inserted else { return }
            if let policy = policies[key] {
                result.policies.append(policy)
            } else if !policies.wasRemoved(key) {
                result.missing.append(key)
            }
        }
        for key in policies.globalKeys { add(key) }
        for key in policies.keys(namespace: workload.namespace) { add(key) }
        for key in workload.authorizationPolicies { add(key) }
        return result
    }
}
