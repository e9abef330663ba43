import Foundation
import MeshTesting

/// Plays kube-proxy and the cluster's DNS: addresses of services lead to endpoints that are ready, names stand in the
/// hosts file of every container.
struct ServiceProxy {
    private let nodes: [PlayedNode]
    private let folder: String

    init(_ nodes: [PlayedNode], folder: String) {
        self.nodes = nodes
        self.folder = folder
    }

    /// - Parameters:
    ///   - services: by `NAMESPACE/NAME`.
    ///   - slices: EndpointSlices.
    func write(_ services: [String: ObjectTree], _ slices: [ObjectTree]) async throws {
        var rules: [String] = []
        var names = ["127.0.0.1 localhost"]
        for (key, service) in services.sorted(by: { $0.key < $1.key }) {
            guard let address = service["spec", "clusterIP"]?.text, address != "None" else { continue }
            let parts = key.split(separator: "/")
            let name = "\(parts[1]).\(parts[0]).svc"
            names.append("\(address) \(name) \(name).cluster.local \(parts[1]).\(parts[0])")
            for port in service["spec", "ports"]?.items ?? [] {
                let endpoints = key == "default/kubernetes"
                    ? ["\(APIServer.address) . 6443"] : self.endpoints(of: key, port, slices)
                guard let number = port["port"]?.count, !endpoints.isEmpty else { continue }
                let map = endpoints.enumerated().map { "\($0.offset) : \($0.element)" }.joined(separator: ", ")
                rules.append(
                    "ip daddr \(address) tcp dport \(number) dnat ip to numgen random mod \(endpoints.count) map "
                        + "{ \(map) }")
            }
        }
        let file = "\(folder)/services.nft"
        try """
            table ip played-services
            delete table ip played-services
            table ip played-services {
                chain services {
                    \(rules.joined(separator: "\n        "))
                }
                chain arriving { type nat hook prerouting priority -100; jump services; }
                chain leaving { type nat hook output priority -100; jump services; }
            }

            """.write(toFile: file, atomically: true, encoding: .utf8)
        for node in nodes {
            try await offload { _ = try node.network.run("nft", "-f", file) }
            // In place: it is bound into containers that run.
            try names.joined(separator: "\n").appending("\n").write(
                toFile: node.hosts, atomically: false, encoding: .utf8)
        }
    }

    /// Each as `ADDRESS . PORT`.
    private func endpoints(of key: String, _ port: ObjectTree, _ slices: [ObjectTree]) -> [String] {
        let parts = key.split(separator: "/").map(String.init)
        let own = slices.filter {
            $0["metadata", "namespace"]?.text == parts[0]
                && $0["metadata", "labels", "kubernetes.io/service-name"]?.text == parts[1]
        }
        return own.flatMap { slice in
            let name = port["name"]?.text ?? ""
            let number = slice["ports"]?.items.first { ($0["name"]?.text ?? "") == name }?["port"]?.count
            let ready = (slice["endpoints"]?.items ?? []).filter { $0["conditions", "ready"] != .bool(false) }
            return number.map { number in
                ready.flatMap { $0["addresses"]?.texts ?? [] }.map { "\($0) . \(number)" }
            } ?? []
        }.sorted()
    }
}
