package import ControlAuthority
package import ControlTranslate
package import Logging
package import MeshModel

/// Where everything meets: resources and reports come in, worlds and intents go out to the boards.
package actor ControlDesk {
    /// What nodes should know.
    package nonisolated let worldBoard = Board<ServedWorld>()
    /// What waypoints should know.
    package nonisolated let waypointBoard = Board<ServedWorld>()
    package nonisolated let acknowledgements = Acknowledgements()
    package nonisolated let nodeBoard = Board<NodeBook>()
    /// The last world before encoding, with the findings of reading and translating; for people.
    package nonisolated let debugBoard = Board<DesiredWorld>()

    private var settings: TranslateSettings
    private let tokens: NodeTokens
    private let file: EnrolmentFile
    private let metrics: ControlMetrics
    private let log: Logger
    private var resources: ResourceSet?
    private var readFindings: [Finding] = []
    private var pods: [PodKey: NodeBook.Pod] = [:]
    private var namespaces: Set<String> = []
    private var ledger: EnrolmentLedger
    private let release: WorldRelease
    private var waypointVersion: UInt64 = 0
    private var findingLog = FindingLog()
    /// Open enrolment streams of each node, oldest first.
    private var sessions: [String: [Int]] = [:]
    /// The newest of them that has reported: while a node's daemon is replaced, its successor listens before it speaks.
    private var speakers: [String: Int] = [:]
    private var sessionCount = 0
    private var reportsWanted: [String: UInt64] = [:]
    private var isTranslationDue = false

    /// Takes up the proofs of the last run.
    package init(
        settings: TranslateSettings, state: StateDirectory, tokens: NodeTokens, metrics: ControlMetrics, log: Logger
    ) {
        self.settings = settings
        self.tokens = tokens
        self.file = EnrolmentFile(state)
        self.metrics = metrics
        self.log = log
        release = WorldRelease(
            nodes: worldBoard, waypoints: waypointBoard, acknowledgements: acknowledgements, log: log)
        do {
            ledger = EnrolmentLedger(proofs: try file.load())
        } catch {
            // Nodes report again when they connect; until then their pods are reached in plain text.
            log.error("proofs of the last run are not used: \(error)")
            ledger = EnrolmentLedger()
        }
    }

    /// The resources are these now. When this returns, clients are being told.
    package func resourcesChanged(_ resources: ResourceSet, findings: [Finding]) {
        self.resources = resources
        readFindings = findings
        pods = Self.pods(resources)
        namespaces = Set(resources.namespaces.lazy.filter { !$0.metadata.isBeingDeleted }.map(\.metadata.name))
        let before = ledger.proofs
        let nodes = ledger.place(Self.placements(resources))
        for node in nodes { reportsWanted[node, default: 0] += 1 }
        if ledger.proofs != before { save() }
        translate()
    }

    /// The waypoints that the control plane runs are these now. When this returns, clients are being told and each has
    /// its token.
    /// - Parameter version: grows with each call's content; what is older than the last is ignored.
    package func waypointsChanged(_ waypoints: [WaypointInstance], version: UInt64) {
        guard version > waypointVersion else { return }
        waypointVersion = version
        guard settings.waypoints != waypoints else { return }
        settings.waypoints = waypoints
        translate()
    }

    /// What keeps Gateways from being made into pods, by `NAMESPACE/NAME`.
    package func deploymentsChanged(_ problems: [String: WaypointProblem]) {
        guard settings.waypointProblems != problems else { return }
        settings.waypointProblems = problems
        translate()
    }

    /// Waits until nodes go by the last world; bounded by the time that slow ones get.
    package func untilNodesKnow() async { await release.untilSettled() }

    /// A node's stream begins; only the newest of its open streams that has reported is believed.
    package func openEnrolment(node: String) -> Int {
        sessionCount += 1
        sessions[node, default: []].append(sessionCount)
        return sessionCount
    }

    /// A node's stream has ended. Its pods stay as they were reported: a node that restarts has not lost its rules.
    package func closeEnrolment(node: String, session: Int) {
        sessions[node]?.removeAll { $0 == session }
        if speakers[node] == session { speakers[node] = nil }
        guard sessions[node]?.isEmpty == true else { return }
        sessions[node] = nil
        settings.heardNodes.remove(node)
    }

    /// A node's whole state.
    package func report(node: String, session: Int, _ pods: [PodReport]) {
        guard sessions[node]?.contains(session) == true, session >= speakers[node] ?? 0 else {
            metrics.add(.reportsRefused, pods.count)
            log.debug("report of an older stream ignored", metadata: ["node": "\(node)"])
            return
        }
        speakers[node] = session
        let outcome = ledger.report(node: node, pods)
        metrics.add(.reports, pods.count - outcome.foreign.count)
        metrics.add(.reportsRefused, outcome.foreign.count)
        for pod in outcome.foreign {
            log.warning("report ignored: the resources place the pod on another node",
                metadata: ["node": "\(node)", "pod": "\(pod)"])
        }
        for report in pods where report.phase == .failed {
            log.warning("enrolment failed: \(report.message)", metadata: ["node": "\(node)", "pod": "\(report.pod)"])
        }
        let isFirst = settings.heardNodes.insert(node).inserted
        if outcome.hasChanged { save() }
        if outcome.hasChanged || isFirst { translateSoon() }
    }

    /// Streams end; no more worlds will come.
    package nonisolated func close() {
        worldBoard.close()
        waypointBoard.close()
        nodeBoard.close()
    }

    /// Reports of many nodes come together: one translation serves all that are in the queue by then.
    private func translateSoon() {
        guard !isTranslationDue else { return }
        isTranslationDue = true
        Task { self.translate() }
    }

    private func translate() {
        isTranslationDue = false
        guard let resources else { return }
        let start = ContinuousClock.now
        settings.proven = ledger.proven
        settings.leaving = Set(ledger.leaving.keys)
        var desired = Translate.translate(resources, settings)
        let translateTime = ContinuousClock.now - start
        desired.findings = (readFindings + desired.findings).sorted()
        // Who asks for a certificate for a pod of the new world must find it placed.
        publishNodes(desired)
        if release.publish(desired) { Task { await self.release.run() } }
        metrics.translated(translateTime, published: ContinuousClock.now - start)
        metrics.count(desired, resources, provenPods: ledger.proofs.count)
        findingLog.update(desired.findings, log)
        // Last: who waits for the first world reads the counts then.
        debugBoard.publish(desired)
    }

    private func publishNodes(_ desired: DesiredWorld) {
        do {
            let nodes = Set(desired.intents.keys).union(resources?.nodes.map(\.metadata.name) ?? [])
            for node in try tokens.ensure(nodes) {
                log.error("no token for node '\(node)': its name is no DNS name in lower case")
            }
            let accounts = desired.waypoints.map {
                TokenHolder.Account(namespace: $0.namespace, name: $0.serviceAccount)
            }
            for name in try tokens.ensure(accounts: Set(accounts)) {
                log.error("no token for waypoint '\(name)': its name is no DNS name in lower case")
            }
        } catch {
            log.error("cannot make tokens: \(error)")
        }
        var book = NodeBook(trustDomain: settings.trustDomain)
        book.waypoints = desired.waypoints
        book.pods = pods
        book.namespaces = namespaces
        book.capturedNamespaces = desired.capturedNamespaces
        for (node, intents) in desired.intents {
            book.pages[node] = NodeBook.Page(intents: intents, reportsWanted: reportsWanted[node] ?? 0)
        }
        nodeBoard.publish(book)
    }

    private func save() {
        do {
            try file.save(ledger.proofs)
        } catch {
            log.error("proofs are not saved, a restart would make pods unproven until nodes report: \(error)")
        }
    }
}
