import ControlAuthority
import ControlTranslate
import Foundation
import MeshModel
import MeshRuntime
import MeshTelemetry

/// The command line, understood. Every mistake is found before anything is opened.
struct ApusdSettings: Sendable {
    let resourceDirectory: String
    let stateDirectory: String
    /// `nil`: no files of statuses.
    let statusDirectory: String?
    let listen: [TransportAddress]
    let admin: TransportAddress
    let lifetimes: LifetimePolicy
    let translate: TranslateSettings
    let serverNames: [ServerName]
    let tokens: NodeTokens.Source
    let logFormat: LogFormat
    let logFilter: LogFilter
    let waitsForReadableFiles: Bool

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
        let reachable = listen.map(\.ip).filter { !$0.isUnspecified }.map(\.description)
        serverNames = (options.serverName + reachable
            + Self.standardNames(rootNamespace: options.rootNamespace)).uniqued.map {
                reader.serverName("--server-name", $0)
            }
        logFormat = reader.value("--log-format", options.logFormat, "text or json") { LogFormat($0) } ?? .text
        logFilter = reader.value("--log-level", options.logLevel, "a log level or filter") { text in
            try? LogFilter(parsing: text)
        } ?? LogFilter()
        tokens = options.nodeTokens.map { .file(path: $0) } ?? .stateDirectory
        resourceDirectory = options.resources
        stateDirectory = options.state
        statusDirectory = options.status
        if let status = options.status, Self.isInside(status, options.resources) {
            reader.refuse("--status", "a directory outside of that of the resources", status)
        }
        waitsForReadableFiles = options.waitForReadableFiles
        var translate = TranslateSettings()
        translate.clusterID = options.clusterId
        translate.trustDomain = options.trustDomain
        translate.rootNamespace = options.rootNamespace
        translate.requiresReferenceGrants = options.requireReferenceGrants
        translate.trustsRedirectionAnnotation = options.trustRedirectionAnnotation
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

/// Reads option values and collects what is wrong with them, so that all mistakes are told at once.
private struct OptionReader {
    private(set) var problems: [String] = []

    mutating func refuse(_ name: String, _ expected: String, _ found: String) {
        problems.append("\(name): expected \(expected), found '\(found)'")
    }

    mutating func value<Value>(
        _ name: String, _ text: String, _ expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let value = parse(text) else {
            refuse(name, expected, text)
            return nil
        }
        return value
    }

    mutating func address(_ name: String, _ text: String) -> TransportAddress {
        value(name, text, "IP:PORT, such as 127.0.0.1:15012 or [::]:15012", Self.parseAddress)
            ?? TransportAddress(IPAddress(v4: 0), port: 0)
    }

    /// Port 0 takes a free one.
    private static func parseAddress(_ text: String) -> TransportAddress? {
        guard text.hasSuffix(":0") else { return TransportAddress(text) }
        return TransportAddress(text.dropLast() + "1").map { TransportAddress($0.ip, port: 0) }
    }

    mutating func lifetimeSeconds(_ name: String, _ text: String) -> Int64 {
        let seconds = value(name, text, "a duration of 1s to 90d, such as 24h") { text -> Int64? in
            guard let duration = SettingText.duration(text) else { return nil }
            let range = 1...AuthorityLimits.lifetimeSecondsMax
            return range.contains(duration.components.seconds) ? duration.components.seconds : nil
        }
        return seconds ?? AuthorityLimits.defaultLifetimeSeconds
    }

    mutating func serverName(_ name: String, _ text: String) -> ServerName {
        value(name, text, "a DNS name or an IP address") { ServerName($0) } ?? .dns("localhost")
    }
}

extension [String] {
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
