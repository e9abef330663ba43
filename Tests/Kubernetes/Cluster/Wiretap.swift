import Foundation
import MeshTesting

/// Counts connections that a node forwards, by rules of its own network: to ports of applications, which is clear text,
/// and to the port of HBONE. Probes of a kubelet come from the node itself and do not count.
struct Wiretap {
    struct Counts: Equatable {
        var plain = 0
        var tunnelled = 0
    }

    private let nodes: [PlayedNode]

    /// - Parameter ports: of applications, in nft's words.
    init(_ nodes: [PlayedNode], ports: String, folder: String) throws {
        self.nodes = nodes
        let file = "\(folder)/wiretap.nft"
        try """
            table ip played-wire {
                counter plain { }
                counter tunnelled { }
                set pairs { type ipv4_addr . ipv4_addr . inet_service; flags dynamic; size 1000; }
                chain forwarded {
                    type filter hook forward priority 0;
                    tcp flags & (syn | ack) == syn tcp dport { \(ports) } counter name plain \
                        add @pairs { ip saddr . ip daddr . tcp dport }
                    tcp flags & (syn | ack) == syn tcp dport 15008 counter name tunnelled
                }
            }

            """.write(toFile: file, atomically: true, encoding: .utf8)
        for node in nodes { try node.network.run("nft", "-f", file) }
    }

    /// Who has spoken clear text to whom since it was forgotten: pairs in nft's words.
    func pairs() throws -> String {
        try nodes.map { try $0.network.run("nft", "list", "set", "ip", "played-wire", "pairs") }.joined()
    }

    func forgetPairs() throws {
        for node in nodes { try node.network.run("nft", "flush", "set", "ip", "played-wire", "pairs") }
    }

    /// Of both nodes: what goes from one to the other counts twice.
    func counts() throws -> Counts {
        var counts = Counts()
        for node in nodes {
            let text = try node.network.run("nft", "-j", "list", "counters", "table", "ip", "played-wire")
            for item in try ObjectTree(json: text)["nftables"]?.items ?? [] {
                let packets = item["counter", "packets"]?.count ?? 0
                switch item["counter", "name"]?.text {
                case "plain": counts.plain += packets
                case "tunnelled": counts.tunnelled += packets
                default: continue
                }
            }
        }
        return counts
    }
}
