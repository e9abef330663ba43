import FoundationEssentials

/// Endpoints as the environment names them, by the names of Istio's ztunnel (src/config.rs).
extension ControlPlaneEndpoint {
    /// Which of the control plane's two APIs; the raw value begins the names of its settings.
    package enum API: String, Hashable, Sendable {
        case discovery = "XDS"
        case certificates = "CA"

        package var addressSetting: String { "\(rawValue)_ADDRESS" }

        /// What follows is the name of a header, the value its value.
        package var headerPrefix: String { "\(rawValue)_HEADER_" }
    }

    /// `nil`: the address is none.
    /// - Parameters:
    ///   - headers: values by what follows the API's prefix of headers.
    ///   - setting: the value of a name; `nil` where the environment has none.
    package init?(
        _ api: API, clusterID: String, headers: [String: String] = [:], setting: (String) -> String?
    ) {
        let isInCluster = setting("KUBERNETES_SERVICE_HOST")?.isEmpty == false
        let standard = isInCluster ? "https://istiod.istio-system.svc:15012" : "https://localhost:15012"
        self.init(
            url: setting(api.addressSetting) ?? standard,
            roots: Self.roots(setting("\(api.rawValue)_ROOT_CA") ?? "./var/run/secrets/istio/root-cert.pem"),
            token: Self.token(setting("AUTH_TOKEN") ?? "./var/run/secrets/tokens/istio-token"), clusterID: clusterID)
        alternativeServerName = setting("ALT_\(api.rawValue)_HOSTNAME")
        self.headers = headers.sorted { $0.key < $1.key }.map { Header(name: $0.key, value: $0.value) }
    }

    /// `SYSTEM`, certificates themselves, or a file of them, which may come later.
    private static func roots(_ text: String) -> Roots {
        if text == "SYSTEM" { return .system }
        return text.contains("-----BEGIN ") ? .pem(text) : .file(text)
    }

    /// A file, which may come later, or the token itself: that has no slash in it.
    private static func token(_ text: String) -> Token {
        text.contains("/") || FileManager.default.fileExists(atPath: text) ? .file(text) : .literal(text)
    }
}
