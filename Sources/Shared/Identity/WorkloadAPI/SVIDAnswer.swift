import FoundationEssentials
import MeshModel
import MeshTLS
import MeshWire

/// What an agent of SPIFFE's Workload API said last: the whole state, so what is not in it is taken back (SPIFFE
/// Workload API, section 4.4). Pure.
struct SVIDAnswer: Sendable {
    /// One SVID as it came.
    struct Material: Hashable, Sendable {
        /// DER: the SVID, then intermediates.
        let chain: [UInt8]
        /// PKCS #8.
        let key: [UInt8]
        /// DER of those who vouch for members of its trust domain.
        let bundle: [UInt8]
    }

    /// Of identities in Istio's form. Of two for one identity the first counts, as SPIFFE orders them.
    let svids: [Identity: Material]
    /// SPIFFE IDs of no use to a mesh, because they are not of Istio's form.
    let otherNames: [String]
    /// Bundles of foreign trust domains, by their names.
    let federated: [String: [UInt8]]
    /// The agent sent revocation lists, which are not looked at.
    let hasRevocations: Bool

    /// Errors: a mandatory field is empty; then the whole message is to be discarded (section 4.5).
    init(_ message: X509SVIDResponse) throws(WorkloadAPIError) {
        guard !message.svids.isEmpty else { throw .missing(field: "svids", of: "the answer") }
        var svids: [Identity: Material] = [:]
        var otherNames: [String] = []
        for svid in message.svids {
            guard !svid.spiffeID.isEmpty else { throw .missing(field: "spiffe_id", of: "an SVID") }
            for (name, value) in [
                ("x509_svid", svid.x509Svid), ("x509_svid_key", svid.x509SvidKey), ("bundle", svid.bundle),
            ] where value.isEmpty {
                throw .missing(field: name, of: svid.spiffeID)
            }
            guard let identity = Identity(svid.spiffeID) else {
                otherNames.append(svid.spiffeID)
                continue
            }
            guard svids[identity] == nil else { continue }
            svids[identity] = Material(
                chain: Array(svid.x509Svid), key: Array(svid.x509SvidKey), bundle: Array(svid.bundle))
        }
        self.svids = svids
        self.otherNames = otherNames
        var federated: [String: [UInt8]] = [:]
        for (name, bundle) in message.federatedBundles {
            federated[Self.trustDomain(name)] = Array(bundle)
        }
        self.federated = federated
        hasRevocations = !message.crl.isEmpty
    }

    /// SPIFFE names a trust domain by an id without a path; its bare name is taken, too.
    private static func trustDomain(_ name: String) -> String {
        name.hasPrefix("spiffe://") ? String(name.dropFirst(9)) : name
    }

    /// Why there is nothing for an identity, for people.
    func absence(of identity: Identity) -> String {
        let names = svids.keys.map(\.description).sorted() + otherNames.sorted()
        let shown = names.prefix(3).joined(separator: ", ")
        let rest = names.count > 3 ? " and \(names.count - 3) more" : ""
        return "it gives \(shown)\(rest); register an entry for it that selects this proxy"
    }
}

/// Why an answer of an agent of SPIFFE's Workload API was discarded.
enum WorkloadAPIError: Error, Hashable, Sendable, CustomStringConvertible {
    case missing(field: String, of: String)

    var description: String {
        switch self {
        case .missing(let field, let owner): "expected \(field) of \(owner), found nothing"
        }
    }
}
