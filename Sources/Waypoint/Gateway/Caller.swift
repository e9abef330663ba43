internal import HBONE
internal import MeshModel

/// Who opened a CONNECT stream, and what it said. A class: every request looks at it, and it has many parts.
final class Caller {
    /// Proven by mutual TLS.
    let identity: Identity
    /// The TCP peer: the caller's pod.
    let client: TransportAddress
    let request: ConnectRequest

    init(identity: Identity, client: TransportAddress, request: ConnectRequest) {
        self.identity = identity
        self.client = client
        self.request = request
    }
}
