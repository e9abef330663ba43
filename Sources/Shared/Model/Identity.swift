/// Who a workload is: its SPIFFE id in Istio's form, `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT`.
/// Compared exactly, part by part.
package struct Identity: Hashable, Sendable {
    package let trustDomain: String
    package let namespace: String
    package let serviceAccount: String

    /// What a workload gets when discovery names no trust domain.
    package static let defaultTrustDomain = "cluster.local"

    package init(trustDomain: String = Identity.defaultTrustDomain, namespace: String, serviceAccount: String) {
        self.trustDomain = trustDomain
        self.namespace = namespace
        self.serviceAccount = serviceAccount
    }

    /// Exactly five parts after the scheme: trust domain, `ns`, namespace, `sa`, service account; none empty, each of
    /// the characters SPIFFE allows (letters, digits, `.`, `-`, `_`; not `.` or `..` alone), so that equal means equal
    /// bytes.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix("spiffe://") else { return nil }
        let parts = text.dropFirst(9).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[1] == "ns", parts[3] == "sa",
            Self.isSegment(parts[0]), Self.isSegment(parts[2]), Self.isSegment(parts[4])
        else { return nil }
        self.init(trustDomain: String(parts[0]), namespace: String(parts[2]), serviceAccount: String(parts[4]))
    }

    private static func isSegment(_ text: some StringProtocol) -> Bool {
        guard !text.isEmpty, text != ".", text != ".." else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                return true
            default:
                return false
            }
        }
    }

    /// The form policies compare with: the id without `spiffe://`.
    package var principal: String { "\(trustDomain)/ns/\(namespace)/sa/\(serviceAccount)" }
}

extension Identity: CustomStringConvertible {
    package var description: String { "spiffe://\(principal)" }
}
