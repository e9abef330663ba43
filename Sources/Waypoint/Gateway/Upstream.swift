internal import HBONE
internal import NIOCore

/// A way to an endpoint that is open and has carried nothing yet.
struct Upstream {
    enum Link {
        /// Through the endpoint's node.
        case stream(HBONEStream)
        /// Plain TCP.
        case socket(any Channel)
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
        case .socket(let channel): channel.close(promise: nil)
        }
    }
}
