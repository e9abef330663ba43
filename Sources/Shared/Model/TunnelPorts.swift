/// The ports and marks of the node proxy inside a pod. Shared with Istio ambient so that both can live in one cluster.
package enum TunnelPorts {
    /// Outbound connections of the pod are redirected here.
    package static let outbound: UInt16 = 15001
    /// Plain text that comes to the pod is redirected here.
    package static let inboundPlaintext: UInt16 = 15006
    /// HBONE comes here directly.
    package static let inboundHBONE: UInt16 = 15008

    /// Never a final destination: a connection to one of these would run in a circle.
    package static func isReserved(_ port: UInt16) -> Bool {
        port == outbound || port == inboundPlaintext || port == inboundHBONE
    }
}

/// Marks, the routing table and the rule priority used inside a pod's network namespace.
package enum TunnelMarks {
    /// On every socket the proxy makes in a pod: "do not redirect".
    package static let packet: UInt32 = 0x539
    /// On connections whose first packet the proxy sent.
    package static let connection: UInt32 = 0x111
    package static let mask: UInt32 = 0xfff
    package static let routingTable: UInt32 = 100
    package static let rulePriority: UInt32 = 32764
}
