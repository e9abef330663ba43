import ControlAuthority
import ControlKubernetes
import ControlTranslate
import Foundation
import MeshModel
import MeshRuntime
import MeshTelemetry

/// The command line, understood. Every mistake is found before anything is opened.
struct ApusdSettings: Sendable {
    let place: ResourcePlace
    let stateDirectory: String
    /// `nil`: no files of statuses.
    let statusDirectory: String?
    /// With an API server: its objects' statuses are ours to write.
    let writesStatus: Bool
    let listen: [TransportAddress]
    let admin: TransportAddress
    let lifetimes: LifetimePolicy
    let translate: TranslateSettings
    let serverNames: [ServerName]
    let tokens: NodeTokens.Source
    let trust: TrustSettings
    let logFormat: LogFormat
    let logFilter: LogFilter
    let waitsForReadableFiles: Bool
    /// `nil`: waypoints are none of our business.
    let waypoints: WaypointOptions?
    /// `nil`: waypoints are not made into pods.
    let deployment: WaypointDeploySettings?

    /// Names by which nodes reach a control plane without any setting (ztunnel's default is
    /// istiod.istio-system.svc), and our own.
    private static func standardNames(rootNamespace: String) -> [String] {
        ["localhost", "127.0.0.1", "::1"]
            + ["istiod", "apusd"].flatMap { name in
                [name, "\(name).\(rootNamespace)", "\(name).\(rootNamespace).svc"]
                    + ["\(name).\(rootNamespace).svc.cluster.local"]
            }
    }

    /// Files written there would be read as resources.
    private static func isInside(_ path: String, _ folder: String) -> Bool {
        let places = [path, folder].map { place in
            URL(fileURLWithPath: place).resolvingSymlinksInPath().standardizedFileURL.pathComponents
        }
        return places[0].starts(with: places[1])
    }

    init(_ options: ApusdOptions) throws(OptionsError) {
        var reader = OptionReader()
        listen = options.listen.map { reader.address("--listen", $0) }
        admin = reader.address("--admin", options.admin)
        lifetimes = LifetimePolicy(
            configuredSeconds: reader.lifetimeSeconds("--certificate-lifetime", options.certificateLifetime))
        waypoints = options.waypoints ? WaypointOptions(options, &reader) : nil
        deployment = WaypointDeploySettings(options, &reader)
        let gateway = waypoints.map { [$0.gateway] } ?? []
        let reachable = (listen.map(\.ip).filter { !$0.isUnspecified } + gateway).map(\.description)
        serverNames = (options.serverName + reachable
            + Self.standardNames(rootNamespace: options.rootNamespace)).uniqued.map {
                reader.serverName("--server-name", $0)
            }
        logFormat = reader.value("--log-format", options.logFormat, "text or json") { LogFormat($0) } ?? .text
        logFilter = reader.value("--log-level", options.logLevel, "a log level or filter") { text in
            try? LogFilter(parsing: text)
        } ?? LogFilter()
        tokens = options.nodeTokens.map { .file(path: $0) } ?? .stateDirectory
        place = ResourcePlace(options, &reader)
        trust = TrustSettings(options.trust, &reader, environment: ProcessInfo.processInfo.environment)
        stateDirectory = options.state
        statusDirectory = options.status
        writesStatus = options.writeStatus
        if let status = options.status, let resources = options.resources, Self.isInside(status, resources) {
            reader.refuse("--status", "a directory outside of that of the resources", status)
        }
        waitsForReadableFiles = options.waitForReadableFiles
        var translate = TranslateSettings()
        translate.clusterID = options.clusterId
        translate.trustDomain = options.trustDomain
        translate.rootNamespace = options.rootNamespace
        translate.requiresReferenceGrants = options.requireReferenceGrants
        translate.trustsRedirectionAnnotation = options.trustRedirectionAnnotation
        translate.sharesProofs = options.kubernetes && options.writeStatus && trust.systemNamespace != nil
        translate.runsWaypoints = options.waypoints
        translate.deploysWaypoints = options.waypointImage != nil
        translate.bypassesUnreadyWaypoints = options.bypassUnreadyWaypoints
        self.translate = translate
        if Identity("spiffe://\(options.trustDomain)/ns/x/sa/y") == nil {
            reader.refuse("--trust-domain", "a name without slashes", options.trustDomain)
        }
        guard reader.problems.isEmpty else { throw OptionsError(problems: reader.problems) }
    }
}

/// All that is wrong with the command line.
struct OptionsError: Error, CustomStringConvertible {
    let problems: [String]

    var description: String { problems.joined(separator: "; ") }
}

extension [String] {
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
