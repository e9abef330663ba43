import Foundation
import MeshTesting

/// Plays what the nodes of a cluster run, and the scheduler: it binds pods, leads their lives, and lets the addresses
/// of services lead to those that are ready.
actor KubeletPlayer {
    private let server: APIServer
    private let nodes: [PlayedNode]
    private let proxy: ServiceProxy
    private let watches: (pods: ObjectWatch, services: ObjectWatch, slices: ObjectWatch)
    private var lives: [String: (pod: PlayedPod, task: Task<Void, Never>)] = [:]
    /// Every pod that there was, in order: their logs stay.
    private(set) var everyPod: [PlayedPod] = []
    private var octets = [1: 10, 2: 10]
    /// Nodes of pods that were bound, by uid: their lives may begin later.
    private var places: [String: String] = [:]
    /// Why it does not go on.
    private(set) var failure: String?

    init(_ server: APIServer, _ nodes: [PlayedNode]) throws {
        self.server = server
        self.nodes = nodes
        proxy = ServiceProxy(nodes, folder: server.directory.path)
        watches = (
            try ObjectWatch(server, "/api/v1/pods"), try ObjectWatch(server, "/api/v1/services"),
            try ObjectWatch(server, "/apis/discovery.k8s.io/v1beta1/endpointslices")
        )
    }

    /// Runs until its task is cancelled.
    func run() async {
        do {
            while !Task.isCancelled {
                try await step()
                try? await Task.sleep(for: .milliseconds(30))
            }
        } catch {
            failure = "\(error)"
        }
        for life in lives.values { life.task.cancel() }
        for life in lives.values { await life.task.value }
        lives = [:]
        everyPod = []
    }

    /// Those that live, by `NAMESPACE/NAME`.
    var pods: [String: PlayedPod] {
        Dictionary(lives.values.map { ($0.pod.key, $0.pod) }) { first, _ in first }
    }

    /// What went wrong so far with pods, each once.
    func troubles() async -> [String] {
        var troubles: [String] = []
        for pod in everyPod {
            for trouble in await pod.troubles { troubles.append("\(pod.key): \(trouble)") }
        }
        return troubles
    }

    private func step() async throws {
        let services = try watches.services.changes()
        let slices = try watches.slices.changes()
        if !services.isEmpty || !slices.isEmpty {
            try await proxy.write(watches.services.objects, Array(watches.slices.objects.values))
        }
        // The last that was told of each pod, in the order in which they were told first.
        var latest: [(key: String, object: ObjectTree?)] = []
        for change in try watches.pods.changes() {
            if let place = latest.firstIndex(where: { $0.key == change.key }) { latest.remove(at: place) }
            latest.append(change)
        }
        for (key, object) in latest {
            // Another life of the name has another uid.
            for life in lives.values where life.pod.key == key && life.pod.uid != object?.metadata("uid") {
                await life.pod.end(graceSeconds: 1)
            }
            guard let object else { continue }
            try await lead(object)
        }
    }

    private func lead(_ pod: ObjectTree) async throws {
        let uid = pod.metadata("uid")
        let isLeaving = pod["metadata", "deletionTimestamp"] != nil
        if let life = lives[uid] {
            guard isLeaving else { return }
            return await life.pod.end(graceSeconds: Double(pod["metadata", "deletionGracePeriodSeconds"]?.count ?? 30))
        }
        guard !isLeaving else { return }
        guard let node = nodes.first(where: { $0.name == pod["spec", "nodeName"]?.text }) else {
            return try await bind(pod)
        }
        let octet = octets[node.number, default: 10]
        octets[node.number] = octet + 1
        let played = try PlayedPod(pod, on: node, octet: octet, server)
        everyPod.append(played)
        lives[uid] = (
            played,
            Task {
                await played.live()
                self.ended(uid)
            }
        )
    }

    private func ended(_ uid: String) { lives[uid] = nil }

    // MARK: - The scheduler

    /// Where a DaemonSet or a selector wants it, else where fewest pods are of those with its labels.
    private func bind(_ pod: ObjectTree) async throws {
        let required = pod["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        let term = required?["nodeSelectorTerms"]?.items.first?["matchFields"]?.items.first
        let wanted = term?["values"]?.texts.first ?? pod["spec", "nodeSelector", "kubernetes.io/hostname"]?.text
        let alike = watches.pods.objects.values.filter {
            $0["metadata", "labels"] == pod["metadata", "labels"] && $0["metadata", "deletionTimestamp"] == nil
        }.compactMap { places[$0.metadata("uid")] }
        let emptiest = nodes.min { left, right in
            alike.count { $0 == left.name } < alike.count { $0 == right.name }
        }
        guard let node = wanted ?? emptiest?.name else { return }
        places[pod.metadata("uid")] = node
        let (namespace, name) = (pod.metadata("namespace"), pod.metadata("name"))
        let answer = try await server.call(
            "POST", "/api/v1/namespaces/\(namespace)/pods/\(name)/binding",
            """
            {"apiVersion":"v1","kind":"Binding","metadata":{"name":"\(name)"},\
            "target":{"apiVersion":"v1","kind":"Node","name":"\(node)"}}
            """)
        // Gone meanwhile, or bound already.
        guard [201, 404, 409].contains(answer.status) else {
            throw APIServer.Missing(description: "\(name) is not bound to \(node): \(answer)")
        }
    }
}
