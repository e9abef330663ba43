import MeshModel

/// The names of the mesh's trust domain. What is written with one of them holds for all,
/// as with Istio's `trustDomainAliases`.
struct TrustDomains {
    /// The local one first, each once.
    let all: [String]

    init(_ settings: TranslateSettings) {
        var all: [String] = []
        for domain in [settings.trustDomain] + settings.trustDomainAliases where !all.contains(domain) {
            all.append(domain)
        }
        self.all = all
    }

    /// A principal pattern, once for each name it may go by. `cluster.local` always means the local domain. A pattern
    /// that is no whole principal, or leaves the trust domain open, stays as it is.
    func principals(_ text: String) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] != "*" else { return [text] }
        let domain = String(parts[0])
        let isKnown = domain == Identity.defaultTrustDomain || all.contains { Self.matches($0, domain) }
        guard isKnown else { return [text] }
        var expanded: [String] = []
        for name in all {
            let isCovered = domain.hasPrefix("*") && Self.matches(name, domain)
            let principal = isCovered ? text : ([name] + parts.dropFirst().map(String.init)).joined(separator: "/")
            if !expanded.contains(principal) { expanded.append(principal) }
        }
        return expanded
    }

    /// A trust domain pattern, once for each name it may go by.
    func domains(_ text: String) -> [String] { all.contains(text) ? all : [text] }

    /// A pattern is a name, or a star and the end of one.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        pattern.hasPrefix("*") ? name.hasSuffix(pattern.dropFirst()) : name == pattern
    }
}
