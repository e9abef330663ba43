import CNetlink
import Glibc
package import MeshModel

/// A pair of virtual Ethernet devices between a pod and its node, with addresses and routes, as a CNI plugin makes it.
package struct PodLink: Hashable, Sendable {
    /// How the node's end is joined to the rest of the node.
    package enum Attachment: Hashable, Sendable {
        /// A route on the node leads to the pod; `gateway` is an address of the node's end and the pod's way out.
        case routed(gateway: IPAddress)
        /// The node's end is a port of this bridge; pods lie in one subnet of that prefix length.
        case bridged(bridge: String, prefixLength: Int, gateway: IPAddress)
    }

    /// Device on the node, at most 15 bytes.
    package let device: String
    package let address: IPAddress
    package let attachment: Attachment

    /// The device's name inside the pod.
    private static let podDevice = "eth0"
    private static let loopback = "lo"

    package init(device: String, address: IPAddress, attachment: Attachment) {
        self.device = device
        self.address = address
        self.attachment = attachment
    }

    /// Makes the pair between the calling thread's namespace and that of the pod, whose `lo` is brought up as well.
    /// What was made before an error is to be removed by `remove(device:)`.
    @available(*, noasync)
    package func install(in pod: NetworkNamespace) throws(KernelError) {
        let descriptor = try pod.duplicateDescriptor()
        var socket = try NetlinkSocket.open(.route)
        try socket.request(LinkMessages.addPair(device, peer: Self.podDevice, in: descriptor.raw))
        let index = try Self.index(of: device)
        switch attachment {
        case .routed(let gateway):
            try socket.request(LinkMessages.setUp(index: index, bridge: nil))
            try socket.request(
                LinkMessages.addAddress(gateway, length: gateway.family.bitCount, index: index))
            try socket.request(LinkMessages.addRoute(to: address, index: index))
        case .bridged(let bridge, _, _):
            try socket.request(LinkMessages.setUp(index: index, bridge: try Self.index(of: bridge)))
        }
        try pod.perform { () throws(KernelError) in try installInside() }
    }

    private func installInside() throws(KernelError) {
        var socket = try NetlinkSocket.open(.route)
        try socket.request(LinkMessages.setUp(index: try Self.index(of: Self.loopback), bridge: nil))
        let index = try Self.index(of: Self.podDevice)
        let (length, gateway): (Int, IPAddress) =
            switch attachment {
            case .routed(let gateway): (address.family.bitCount, gateway)
            case .bridged(_, let length, let gateway): (length, gateway)
            }
        try socket.request(LinkMessages.addAddress(address, length: length, index: index))
        try socket.request(LinkMessages.setUp(index: index, bridge: nil))
        if case .routed = attachment { try socket.request(LinkMessages.addRoute(to: gateway, index: index)) }
        try socket.request(LinkMessages.addDefaultRoute(via: gateway, index: index))
    }

    /// Deletes a device of the calling thread's namespace, and with it the other end. None of that name is no error.
    @available(*, noasync)
    package static func remove(device: String) throws(KernelError) {
        var socket = try NetlinkSocket.open(.route)
        do throws(KernelError) {
            try socket.request(LinkMessages.delete(device))
        } catch {
            guard error.errno == ENODEV else { throw error }
        }
    }

    /// Devices of the calling thread's namespace whose names begin like this.
    @available(*, noasync)
    package static func devices(withPrefix prefix: String) throws(KernelError) -> [String] {
        var socket = try NetlinkSocket.open(.route)
        var found: [String] = []
        try socket.dump(LinkMessages.list(), restart: { found = [] }) { (_, body) throws(KernelError) in
            if let name = LinkMessages.name(in: body), name.hasPrefix(prefix) { found.append(name) }
        }
        return found
    }

    private static func index(of device: String) throws(KernelError) -> UInt32 {
        let index = unsafe if_nametoindex(device)
        guard index > 0 else { throw .last("find device \(device)") }
        return index
    }
}
