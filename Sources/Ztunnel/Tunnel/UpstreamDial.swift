internal import MeshModel
internal import MeshProxy
internal import NIOCore

/// Connects to the application in a pod, appearing as the original caller.
struct UpstreamDial {
    let pod: PodOnLoop
    let destination: TransportAddress
    /// The caller's address as the application shall see it.
    let client: IPAddress

    func start(_ completion: @escaping (Result<any Channel, ConnectionFailure>) -> Void) {
        // A pod that calls itself is its own caller already, and families cannot be mixed.
        let spoofed = client != destination.ip && client.family == destination.ip.family ? client : nil
        let connected = pod.dialer.connect(to: destination, for: .application(appearingAs: spoofed))
        connected.assumeIsolated().whenComplete { result in
            completion(result.mapError { ConnectionFailure(dialing: destination, $0) })
        }
    }
}
