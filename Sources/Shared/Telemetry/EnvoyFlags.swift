/// Envoy's response flags of one request: short words of what happened to it, `-` when there is nothing to say.
/// Source: Envoy, access log, %RESPONSE_FLAGS%.
package struct EnvoyFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// In the order in which several are written.
    private static let names = [
        "DC", "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "URX", "NR", "NC", "DI", "FI", "RL", "UAEX", "RLSE", "SI",
        "IH", "DPE", "UPE", "UMSDR", "RFCF", "NFCF", "DT", "OM", "DF", "DO",
    ]

    /// Words joined by commas, or `-`. What is not known is left out.
    package init(_ text: String) {
        guard text != "-", !text.isEmpty else { self.init(rawValue: 0); return }
        var bits: UInt32 = 0
        for word in text.split(separator: ",") {
            if let index = Self.names.firstIndex(where: { $0 == word }) { bits |= 1 << UInt32(index) }
        }
        self.init(rawValue: bits)
    }

    /// As logs and metrics write it.
    package var text: String {
        guard rawValue != 0 else { return "-" }
        let words = Self.names.indices.filter { rawValue & (1 << UInt32($0)) != 0 }.map { Self.names[$0] }
        return words.joined(separator: ",")
    }
}
