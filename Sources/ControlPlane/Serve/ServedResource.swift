import MeshDiscovery
package import MeshModel
package import MeshWire
import SwiftProtobuf

/// One resource as clients get it, with what finds it by other names.
package struct ServedResource: Sendable {
    package enum Kind: Hashable, Sendable {
        case workload, service, policy, routes, attachedPolicy, traffic
    }

    package let kind: Kind
    package let name: String
    /// Depends on nothing but the content.
    package let version: String
    /// `NETWORK/IP` for each address.
    package let aliases: [String]
    /// A workload's services, by name.
    package let serviceNames: [String]
    /// A workload's node.
    package let node: String
    /// A service's virtual addresses that are whole blocks.
    package let blocks: [VirtualAddress]
    package let message: Envoy_Service_Discovery_V3_Resource
    /// Of the content; names and framing add little.
    package let byteCount: Int

    package init(_ workload: Workload) {
        // Pods in the host's network share their node's address: it names none of them.
        let aliases = workload.networkMode == .hostNetwork
            ? [] : workload.addresses.map { "\(workload.network)/\($0)" }
        self.init(
            .workload, WireCodec.encode(workload), aliases: aliases,
            serviceNames: workload.services.keys.map(\.description).sorted(), node: workload.node)
    }

    package init(_ service: Service) {
        let aliases = service.virtualAddresses.map { address in
            address.exact.map { "\(address.network)/\($0)" } ?? "\(address.network)/\(address.block)"
        }
        self.init(
            .service, WireCodec.encode(service), aliases: aliases,
            blocks: service.virtualAddresses.filter { $0.exact == nil })
    }

    package init(_ policy: AuthorizationPolicy) {
        self.init(.policy, WireCodec.encode(policy), aliases: [])
    }

    package init(_ routes: AttachedRoutes) {
        self.init(.routes, WireCodec.encode(routes), aliases: [])
    }

    package init(_ policy: AttachedPolicy) {
        self.init(.attachedPolicy, WireCodec.encode(policy), aliases: [])
    }

    package init(_ rules: TrafficRules) {
        self.init(.traffic, WireCodec.encode(rules), aliases: [])
    }

    private init(
        _ kind: Kind, _ encoded: WireCodec.EncodedResource, aliases: [String], serviceNames: [String] = [],
        node: String = "", blocks: [VirtualAddress] = []
    ) {
        self.kind = kind
        self.name = encoded.name
        self.version = encoded.version
        self.aliases = aliases
        self.serviceNames = serviceNames
        self.node = node
        self.blocks = blocks
        var message = encoded.message
        message.aliases = aliases
        self.message = message
        self.byteCount = encoded.body.value.count
    }
}
