package import FoundationEssentials
package import MeshModel

/// What the node knows, in the JSON that `istioctl ztunnel-config` reads. Lists are sorted, so that two dumps of one
/// state are equal.
package struct ConfigDump: Encodable {
    package var workloads: [WorkloadDump]
    package var services: [ServiceDump]
    package var policies: [PolicyDump]
    package var certificates: [CertificateDump]
    /// By the uid that discovery gives the pod's workload, or `NAMESPACE/NAME` while discovery does not know the pod.
    package var workloadState: [String: PodStateDump]
    package var version: VersionDump

    /// The whole dump as JSON text in UTF-8.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// What runs.
package struct VersionDump: Encodable {
    package var version: String
    package var tlsLibrary: String

    package init(version: String, tlsLibrary: String) {
        self.version = version
        self.tlsLibrary = tlsLibrary
    }
}

/// One identity's certificate.
package struct CertificateDump: Encodable {
    package struct Item: Encodable {
        /// Base64 of the PEM text.
        package var pem: String
        package var serialNumber: String
        package var validFrom: String
        package var expirationTime: String

        package init(pem: String, serialNumber: String, validFrom: String, expirationTime: String) {
            self.pem = Data(pem.utf8).base64EncodedString()
            self.serialNumber = serialNumber
            self.validFrom = validFrom
            self.expirationTime = expirationTime
        }
    }

    package var identity: String
    package var state: String
    package var certChain: [Item]
    package var rootCerts: [Item]

    package init(identity: String, state: String, certChain: [Item], rootCerts: [Item]) {
        self.identity = identity
        self.state = state
        self.certChain = certChain
        self.rootCerts = rootCerts
    }
}

/// One attached pod with its open connections.
package struct PodStateDump: Encodable {
    package struct Connection: Encodable {
        package var src: String
        package var originalDst: String
        package var actualDst: String?
        package var `protocol`: String
    }

    package struct Connections: Encodable {
        package var inbound: [Connection]
        package var outbound: [Connection]
    }

    package struct Info: Encodable {
        package var name: String
        package var namespace: String
        package var serviceAccount: String?
    }

    /// `Up` while the pod is captured, else `Pending`.
    package var state: String
    /// How far it is, in our own words.
    package var phase: String
    package var message: String?
    package var connections: Connections
    package var info: Info

    /// - `workload`: what discovery says of the pod.
    init(_ report: PodReport, workload: Workload?, connections: Connections) {
        self.state = report.phase == .proven ? "Up" : "Pending"
        self.phase = report.phase.rawValue
        self.message = report.message.nonEmpty
        self.connections = connections
        self.info = Info(
            name: report.pod.name, namespace: report.pod.namespace, serviceAccount: workload?.serviceAccount)
    }
}

/// One workload. Optional fields are left out where they have their default.
package struct WorkloadDump: Encodable {
    var workloadIps: [String]
    var waypoint: GatewayDump?
    var networkGateway: GatewayDump?
    var `protocol`: String
    var networkMode: String?
    var uid: String
    var name: String
    var namespace: String
    var trustDomain: String
    var serviceAccount: String
    var network: String?
    var workloadName: String?
    var workloadType: String
    var canonicalName: String?
    var canonicalRevision: String?
    var hostname: String?
    var node: String?
    var nativeTunnel: Bool?
    var applicationTunnel: ApplicationTunnelDump?
    var authorizationPolicies: [String]?
    var status: String
    var clusterId: String
    var locality: LocalityDump?
    var services: [String]?
    var capacity: UInt32

    package init(_ workload: Workload) {
        self.workloadIps = workload.addresses.map(\.description)
        self.waypoint = workload.waypoint.map(GatewayDump.init)
        self.networkGateway = workload.networkGateway.map(GatewayDump.init)
        self.protocol = workload.tunnel.rawValue
        self.networkMode = workload.networkMode == .standard ? nil : workload.networkMode.rawValue
        self.uid = workload.uid
        self.name = workload.name
        self.namespace = workload.namespace
        self.trustDomain = workload.trustDomain
        self.serviceAccount = workload.serviceAccount
        self.network = workload.network.nonEmpty
        self.workloadName = workload.workloadName.nonEmpty
        self.workloadType = workload.workloadType.rawValue
        self.canonicalName = workload.canonicalName.nonEmpty
        self.canonicalRevision = workload.canonicalRevision.nonEmpty
        self.hostname = workload.hostname.nonEmpty
        self.node = workload.node.nonEmpty
        self.nativeTunnel = workload.nativeTunnel ? true : nil
        self.applicationTunnel = workload.applicationTunnel.map(ApplicationTunnelDump.init)
        self.authorizationPolicies = workload.authorizationPolicies.isEmpty ? nil : workload.authorizationPolicies
        self.status = workload.status.rawValue
        self.clusterId = workload.clusterID
        self.locality = LocalityDump(workload.locality)
        let services = workload.services.keys.map(\.description).sorted()
        self.services = services.isEmpty ? nil : services
        self.capacity = workload.capacity
    }
}

struct LocalityDump: Encodable {
    var region: String?
    var zone: String?
    var subzone: String?

    init?(_ locality: Locality) {
        guard locality != Locality() else { return nil }
        self.region = locality.region.nonEmpty
        self.zone = locality.zone.nonEmpty
        self.subzone = locality.subzone.nonEmpty
    }
}

struct ApplicationTunnelDump: Encodable {
    var `protocol`: String
    var port: UInt16?

    init(_ tunnel: ApplicationTunnel) {
        self.protocol = tunnel.form.rawValue
        self.port = tunnel.port
    }
}

struct GatewayDump: Encodable {
    var destination: String
    var hboneMtlsPort: UInt16

    init(_ reference: GatewayReference) {
        self.destination = reference.destination.description
        self.hboneMtlsPort = reference.hbonePort
    }
}

extension String {
    /// `nil` instead of an empty text, so that its key is left out.
    var nonEmpty: String? { isEmpty ? nil : self }
}
