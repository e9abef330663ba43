import ArgumentParser
import ControlAuthority
import ControlKubernetes
import ControlServe
import Foundation
import Logging

/// Who is believed by a token that the API server reviews.
struct TrustOptions: ParsableArguments {
    @Option(help: "Audience that tokens of pods must be for; may be given several times. Needs --kubernetes.")
    var tokenAudience: [String] = ["istio-ca"]

    @Option(
        help: "NAMESPACE/ACCOUNT whose pods speak for their node; may be given several times. Needs --kubernetes.")
    var trustedNodeAccount: [String] = ["apus-system/ztunnel", "istio-system/ztunnel"]

    @Option(help: "Namespace of the Secret and the lease that replicas share; POD_NAMESPACE unless given.")
    var systemNamespace: String?

    @Option(
        help: """
            Secret with the authority, made if it is not there; goes by the Secret cacerts where there is one. Needs \
            a system namespace; without one, the authority lies in the state directory.
            """)
    var caSecret = "apus-ca-secret"

    @Option(
        help: """
            Directory with an authority that somebody else keeps: ca-cert.pem, ca-key.pem, root-cert.pem and \
            cert-chain.pem, or tls.crt, tls.key and ca.crt. Taken up anew when it changes.
            """)
    var caDirectory: String?

    @Option(help: "Lease by which replicas elect the one that writes.")
    var lease = "apusd"

    @Option(help: "ConfigMap with the roots in every namespace; 'none' writes none.")
    var rootConfigMap = RootConfigMaps.standardName
}

/// The same, understood.
struct TrustSettings: Sendable {
    let audiences: [String]
    let trust: TokenTrust
    /// `nil`: replicas share nothing.
    let systemNamespace: String?
    let caSecret: String
    let caDirectory: String?
    let lease: String
    /// `nil`: none.
    let rootConfigMap: String?

    init(_ options: TrustOptions, _ reader: inout OptionReader, environment: [String: String]) {
        audiences = options.tokenAudience
        // Without an audience, a review asks for that of the API server itself: every pod's everyday token.
        if audiences.isEmpty || audiences.contains("") {
            reader.refuse("--token-audience", "an audience such as istio-ca", "")
        }
        var accounts: Set<TokenHolder.Account> = []
        for text in options.trustedNodeAccount {
            let account = reader.value("--trusted-node-account", text, "NAMESPACE/ACCOUNT") { TokenHolder.Account($0) }
            if let account { accounts.insert(account) }
        }
        trust = TokenTrust(nodeAccounts: accounts)
        let namespace = options.systemNamespace ?? environment["POD_NAMESPACE"] ?? ""
        systemNamespace = namespace.isEmpty ? nil : namespace
        caSecret = options.caSecret
        caDirectory = options.caDirectory
        lease = options.lease
        rootConfigMap = options.rootConfigMap == "none" ? nil : options.rootConfigMap
        let names: [(String, String?)] = [
            ("--system-namespace", systemNamespace), ("--ca-secret", caSecret), ("--lease", lease),
            ("--root-config-map", rootConfigMap),
        ]
        for (name, value) in names where value.map({ !NodeTokens.isNodeName($0) }) == true {
            reader.refuse(name, "a DNS name in lower case", value ?? "")
        }
    }

    /// Reviews by this API server.
    func reviews(_ client: APIClient, log: Logger) -> Authenticator.Reviews {
        let reviewer = SparingReviewer(APITokenReviewer(client, audiences: audiences, log: log)) {
            Int64(Date().timeIntervalSince1970 * 1000)
        }
        return Authenticator.Reviews(reviewer: reviewer, trust: trust)
    }

    /// Where the authority lies.
    func origin(_ client: APIClient?, state: StateDirectory) -> AuthorityOrigin {
        if let caDirectory { return .directory(caDirectory) }
        guard let client, let systemNamespace else { return .state(state) }
        return .secret(AuthoritySecret(client, namespace: systemNamespace, name: caSecret))
    }

    /// Who elects the replica that writes; `nil`: there is one only, which leads.
    /// - Parameter leads: hears whether this one does.
    func keeper(
        _ client: APIClient?, metrics: ControlMetrics, leads: Board<Bool>, log: Logger
    ) -> LeaseKeeper? {
        guard let client, let systemNamespace else {
            metrics.set(.leader, 1)
            leads.publish(true)
            return nil
        }
        let host = ProcessInfo.processInfo.environment["POD_NAME"] ?? ProcessInfo.processInfo.hostName
        // Another life of the same pod is another candidate: the one before may have written a moment ago.
        return LeaseKeeper(
            client, namespace: systemNamespace, lease: lease, name: "\(host)_\(UUID())", log: log
        ) {
            metrics.set(.leader, $0 ? 1 : 0)
            leads.publish($0)
        }
    }
}
