internal import ControlSources
package import Logging
internal import MeshModel

/// The roots in a ConfigMap of every namespace, where pods mount them (`istio-ca-root-cert`, as istiod has it).
package actor RootConfigMaps {
    /// A ConfigMap as it is on the server.
    struct Present: Hashable, Sendable {
        var roots: String
        var isOurs: Bool
    }

    /// What is to be done.
    struct Plan: Hashable, Sendable {
        /// Namespaces, in order.
        var writes: [String] = []
        /// Namespaces in which somebody else's says something else.
        var foreign: [String] = []
    }

    package static let standardName = "istio-ca-root-cert"
    static let entry = "root-cert.pem"
    private static let manager = "apusd"
    private static let ownerLabel = "app.kubernetes.io/managed-by"
    /// No pod of the mesh runs there, and istiod leaves them out.
    static let spared: Set<String> = ["kube-system", "kube-public", "kube-node-lease"]
    /// A change of the roots in 1,000 namespaces takes 20 s, and an API server does not notice it.
    static let writesPerLook = 50
    private static let lookMilliseconds = 1000
    /// What others have changed is found and mended after so long at most.
    private static let listMilliseconds: Int64 = 60_000

    private let client: APIClient
    private let served: ServedKind
    private let name: String
    private let log: Logger
    private var present: [String: Present]?
    private var listedAt: Int64 = 0
    /// Until the next list.
    private var refused: Set<String> = []
    private var toldForeign: Set<String> = []
    private var trouble: APIFailure?

    package init(_ client: APIClient, name: String = RootConfigMaps.standardName, log: Logger) {
        self.client = client
        self.name = name
        self.log = log
        served = ServedKind(
            kind: ResourceKind(kind: "ConfigMap", plural: "configmaps", group: "", versions: ["v1"], onlyName: name),
            version: "v1")
    }

    /// Until the task is cancelled. Writes only while it is our turn, at most `writesPerLook` in a second.
    /// - Parameters:
    ///   - namespaces: `nil`: not known yet.
    ///   - isLeader: asked before each write.
    package func run(
        roots: @escaping @Sendable () -> String, namespaces: @escaping @Sendable () -> Set<String>?,
        isLeader: @escaping @Sendable () -> Bool
    ) async {
        while !Task.isCancelled {
            if isLeader(), let namespaces = namespaces() {
                await look(roots(), namespaces, isLeader)
            } else {
                present = nil
            }
            try? await Task.sleep(for: .milliseconds(Self.lookMilliseconds))
        }
    }

    private func look(_ roots: String, _ namespaces: Set<String>, _ isLeader: @Sendable () -> Bool) async {
        if present == nil || Clock.nowMilliseconds - listedAt >= Self.listMilliseconds {
            guard await list() else { return }
        }
        let plan = Self.plan(roots: roots, namespaces: namespaces, present: present ?? [:])
        tellForeign(plan.foreign)
        for namespace in plan.writes.filter({ !refused.contains($0) }).prefix(Self.writesPerLook) {
            guard isLeader(), !Task.isCancelled else { return }
            await write(roots, to: namespace)
        }
    }

    static func plan(roots: String, namespaces: Set<String>, present: [String: Present]) -> Plan {
        var plan = Plan()
        for namespace in namespaces.subtracting(spared).sorted() {
            guard let found = present[namespace] else {
                plan.writes.append(namespace)
                continue
            }
            guard found.roots != roots else { continue }
            if found.isOurs { plan.writes.append(namespace) } else { plan.foreign.append(namespace) }
        }
        return plan
    }

    private func list() async -> Bool {
        do {
            let tree = try APIReader.tree(try await client.get(served.listPath(continuing: nil, limit: nil)))
            var found: [String: Present] = [:]
            for item in tree.value["items"]?.elements ?? [] {
                guard let namespace = item["metadata"]?["namespace"]?.text else { continue }
                found[namespace] = Present(
                    roots: item["data"]?[Self.entry]?.text ?? "",
                    isOurs: item["metadata"]?["labels"]?[Self.ownerLabel]?.text == Self.manager)
            }
            present = found
            listedAt = Clock.nowMilliseconds
            refused = []
            say(nil)
            return true
        } catch {
            say(error)
            return false
        }
    }

    private func write(_ roots: String, to namespace: String) async {
        let map: JSONValue = [
            "metadata": ["labels": [Self.ownerLabel: .string(Self.manager)]], "data": [Self.entry: .string(roots)],
        ]
        do {
            _ = try await client.send(
                .apply(map, at: ObjectPlace(served, namespace: namespace, name: name), manager: Self.manager))
            present?[namespace] = Present(roots: roots, isOurs: true)
            say(nil)
        } catch {
            // Most of all a namespace that is about to go; the next list shows what became of it.
            refused.insert(namespace)
            if error != .missing { say(error) }
        }
    }

    private func tellForeign(_ namespaces: [String]) {
        let new = namespaces.filter { !toldForeign.contains($0) }
        toldForeign = Set(namespaces)
        guard let first = new.first else { return }
        log.warning(
            """
            \(new.count) ConfigMaps \(name), the first in \(first), hold other roots and are not ours: left alone; \
            delete them if the control plane that wrote them is gone
            """)
    }

    /// Each trouble once, and its end.
    private func say(_ failure: APIFailure?) {
        defer { trouble = failure }
        switch (trouble, failure) {
        case (nil, let failure?): log.warning("ConfigMaps \(name) cannot all be written: \(failure); trying again")
        case (_?, nil): log.info("ConfigMaps \(name) can be written again")
        default: break
        }
    }
}
