import MeshDiscovery
import MeshWire
import SwiftProtobuf

/// A resource as it goes into a response.
struct Piece {
    let message: Envoy_Service_Discovery_V3_Resource
    let byteCount: Int

    init(_ resource: ServedResource) {
        self.message = resource.message
        self.byteCount = resource.byteCount
    }

    /// The workload inside an address resource, under the bare type. Made on demand: hardly a client asks for it.
    init(bareWorkload resource: ServedResource) {
        var message = resource.message
        if let address = try? Istio_Workload_Address(serializedBytes: message.resource.value),
            let body = try? Google_Protobuf_Any(message: address.workload) {
            message.resource = body
        }
        self.message = message
        self.byteCount = resource.byteCount
    }
}

/// What one type's push consists of, before it is cut into responses.
struct ResponseBatch {
    private let typeURL: String
    private let pieces: [Piece]
    private let removals: [String]

    init(_ typeURL: String, _ pieces: [Piece], removals: [String]) {
        self.typeURL = typeURL
        self.pieces = pieces
        self.removals = removals
    }

    /// At least one response. Each stays under the limit unless a single resource is above it. Removals go first: an
    /// address may have moved from a workload that is gone to a new one.
    func responses(bytesMax: Int) -> [Envoy_Service_Discovery_V3_DeltaDiscoveryResponse] {
        var responses: [Envoy_Service_Discovery_V3_DeltaDiscoveryResponse] = []
        var current = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse()
        current.typeURL = typeURL
        current.removedResources = removals
        var byteCount = removals.reduce(0) { $0 + $1.utf8.count }
        for piece in pieces {
            if byteCount + piece.byteCount > bytesMax, byteCount > 0 {
                responses.append(current)
                current = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse()
                current.typeURL = typeURL
                byteCount = 0
            }
            current.resources.append(piece.message)
            byteCount += piece.byteCount
        }
        return responses + [current]
    }
}
