import ControlAuthority
import ControlKubernetes
import ControlServe
import ControlTranslate
import ControlWaypoints
import Foundation
import Logging
import MeshKernel
import MeshModel
import NIOPosix
import ServiceLifecycle

/// What the command line says of the waypoints that apusd runs.
struct WaypointOptions: Sendable {
    let pool: AddressPool
    let addresses: IPBlock
    let attachment: PodLink.Attachment
    let gateway: IPAddress
    let program: String
    let drainSeconds: Int
    let moreSettings: [String: String]

    /// The node's end of each waypoint's link where no bridge is used: link-local, as CNI plugins with routed pods have
    /// it, and the same for all.
    private static let linkGateway = IPAddress(v4: 0xa9fe_0101)
    private static let prefixLengthOfNone = IPBlock(IPAddress(v4: 0))
    fileprivate static let drainSecondsRange: ClosedRange<Int64> = 0...3600

    init(_ options: ApusdOptions, _ reader: inout OptionReader) {
        let block = reader.value(
            "--waypoint-addresses", options.waypointAddresses, "an IPv4 block of length 8 to 30, such as 10.254.0.0/24"
        ) { text in IPBlock(text).flatMap { AddressPool($0) == nil ? nil : $0 } } ?? Self.prefixLengthOfNone
        addresses = block
        if let bridge = options.waypointBridge {
            let text = options.waypointGateway ?? ""
            let found = reader.value("--waypoint-gateway", text, "the bridge's address in \(block)") { text in
                IPAddress(text).flatMap { block.contains($0) ? $0 : nil }
            }
            gateway = found ?? Self.linkGateway
            attachment = .bridged(bridge: bridge, prefixLength: block.length, gateway: gateway)
        } else {
            gateway = Self.linkGateway
            attachment = .routed(gateway: gateway)
        }
        pool = AddressPool(block, reserved: [gateway]) ?? AddressPool.smallest
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("waypoint").path
        program = URL(fileURLWithPath: options.waypointBinary ?? beside).path
        if !FileManager.default.isExecutableFile(atPath: program) {
            reader.refuse("--waypoint-binary", "a program that can be run", program)
        }
        drainSeconds = reader.seconds("--waypoint-drain", options.waypointDrain, in: Self.drainSecondsRange)
        moreSettings = Self.moreSettings(options.waypointEnv, own: WaypointRunSettings.ownNames, &reader)
    }

    /// - Parameter own: names that nobody may give.
    fileprivate static func moreSettings(
        _ texts: [String], own: Set<String>, _ reader: inout OptionReader
    ) -> [String: String] {
        var settings: [String: String] = [:]
        for text in texts {
            let expected = "NAME=VALUE, such as OTEL_EXPORTER_OTLP_ENDPOINT=http://10.0.0.1:4318, and no setting that "
                + "follows from the Gateway"
            let parsed = reader.value("--waypoint-env", text, expected) { text -> (name: String, value: String)? in
                guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
                let name = String(text[..<equals])
                if own.contains(name) { return nil }
                return (name, String(text[text.index(after: equals)...]))
            }
            if let parsed { settings[parsed.name] = parsed.value }
        }
        return settings
    }
}

extension WaypointDeploySettings {
    /// `nil`: nobody asked for it.
    init?(_ options: ApusdOptions, _ reader: inout OptionReader) {
        guard let image = options.waypointImage else { return nil }
        if !options.kubernetes { reader.complain("--waypoint-image", "needs --kubernetes") }
        if options.waypoints { reader.complain("--waypoint-image", "expected it or --waypoints, found both") }
        self.init(
            image: image,
            controlPlane: options.waypointControlPlane ?? "https://apusd.\(options.rootNamespace).svc:15012",
            rootNamespace: options.rootNamespace, trustDomain: options.trustDomain, clusterID: options.clusterId,
            network: "",
            drainSeconds: reader.seconds(
                "--waypoint-drain", options.waypointDrain, in: WaypointOptions.drainSecondsRange),
            moreSettings: WaypointOptions.moreSettings(options.waypointEnv, own: Self.ownNames, &reader))
    }
}

/// Waypoints as pods of the cluster. They outlive the control plane.
struct WaypointDeployPart: ServiceLifecycle.Service {
    let place: ResourcePlace
    let settings: WaypointDeploySettings?
    let desk: ControlDesk
    /// Whether this process is the one that writes.
    let leads: Board<Bool>
    let log: Logger

    func run() async throws {
        guard let settings, case .cluster(let configuration) = place else {
            try? await gracefulShutdown()
            return
        }
        let deployer = WaypointDeployer(configuration, settings, logger: log) { [desk] problems in
            await desk.deploymentsChanged(problems)
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await deployer.run() }
                group.addTask { await leads.eachChange { deployer.enable($0) } }
                group.addTask { await desk.debugBoard.eachChange { deployer.want($0.wantedWaypoints) } }
            }
        }
    }
}

extension Board {
    /// Each value that is current when the one before has been looked at, until the task is cancelled.
    func eachChange(_ look: (Value) -> Void) async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = add { change.yield() }
        defer { remove(listener) }
        change.yield()
        for await _ in changes {
            if let current { look(current) }
        }
    }
}

/// The waypoints. They end first, while the control plane still serves them.
struct WaypointPart: ServiceLifecycle.Service {
    let options: WaypointOptions?
    let responder: ProbeResponder?
    let translate: TranslateSettings
    let state: StateDirectory
    let authority: CurrentAuthority
    let server: ControlServer
    let desk: ControlDesk
    let nowSeconds: @Sendable () -> Int64
    let log: Logger

    func run() async throws {
        guard let options else {
            try? await gracefulShutdown()
            return
        }
        let listening = try await server.listeningAddresses
        guard let port = listening.lazy.compactMap({ HostPort($0)?.port }).first else { return }
        let settings = WaypointRunSettings(
            program: options.program, addresses: options.addresses, attachment: options.attachment, state: state,
            trustDomain: translate.trustDomain, clusterID: translate.clusterID, drainSeconds: options.drainSeconds,
            moreSettings: options.moreSettings)
        let identity = ProbeIdentity(
            authority: authority,
            identity: Identity(
                trustDomain: translate.trustDomain, namespace: translate.rootNamespace, serviceAccount: "apusd"),
            nowSeconds: nowSeconds)
        let keeper = WaypointKeeper(
            settings, pool: options.pool, controlPlanePort: port, desk: desk,
            probe: WaypointProbe(group: .singleton, identity: identity), log: log)
        await cancelWhenGracefulShutdown { await keeper.run() }
        await keeper.stop()
        await responder?.stop()
    }
}
