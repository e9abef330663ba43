internal import HBONE
internal import MeshTLS
internal import NIOCore

/// A way to an endpoint that is open and has carried nothing yet.
struct Upstream {
    enum Link {
        /// Through the endpoint's node.
        case stream(HBONEStream)
        /// Plain TCP.
        case socket(any Channel)
        /// TLS with the application, over one of the others, and what it chose to speak; reads are not automatic.
        case secured(any Channel, OriginProtocol?, HBONEConnection?)
    }

    let hop: EndpointHop
    let link: Link
    /// Counts it, where rules of traffic do; whoever carries bytes over it ends it.
    var lease: EndpointLease?

    /// Nobody wants it any more.
    func drop() {
        lease?.end()
        switch link {
        case .stream(let stream): stream.reset(.cancel)
        case .socket(let channel), .secured(let channel, _, _): channel.close(promise: nil)
        }
    }
}
