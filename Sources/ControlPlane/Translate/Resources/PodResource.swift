package import MeshModel

/// v1 Pod, as far as the mesh needs it.
package struct PodResource: MeshResource {
    package static let kind = "Pod"

    package enum Phase: String, Hashable, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case unknown = "Unknown"
    }

    /// What the resource says about readiness. A directory of files has no kubelet to write conditions.
    package enum Readiness: Hashable, Sendable {
        case ready, notReady
        /// No conditions at all.
        case unstated
    }

    /// A named container port.
    package struct NamedPort: Hashable, Sendable {
        package var name: String
        package var port: UInt16

        package init(name: String, port: UInt16) {
            self.name = name
            self.port = port
        }
    }

    /// The controller in metadata.ownerReferences.
    package struct Controller: Hashable, Sendable {
        package var kind: String
        package var name: String

        package init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    package var metadata: ResourceMetadata
    package var nodeName: String = ""
    package var serviceAccount: String = "default"
    package var hostNetwork: Bool = false
    /// Named TCP ports of all containers, in their order.
    package var namedPorts: [NamedPort] = []
    /// `nil`: no status.phase written.
    package var phase: Phase?
    package var addresses: [IPAddress] = []
    package var readiness: Readiness = .unstated
    package var controller: Controller?

    package init(metadata: ResourceMetadata) { self.metadata = metadata }

    package var key: PodKey { PodKey(namespace: metadata.namespace, name: metadata.name) }
}
