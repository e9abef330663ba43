internal import Logging
package import MeshKernel
package import MeshModel

/// What container runtimes ask by the CNI plugin: each start and each end of a pod's sandbox.
extension NodeAgent {
    /// How long the control plane may take to name a pod of a namespace that has nothing to capture otherwise.
    private static let strangerSeconds = 5

    /// Takes a new sandbox. Returns when the pod is captured and that is proven, or when it is not wanted; refuses at
    /// the end of the time, with what is missing. The same again changes nothing. What was attached as an earlier
    /// sandbox of the pod is given up.
    package func enrol(
        _ sandbox: PodSandbox, _ wait: EnrolmentWait, _ namespace: NetworkNamespace, path: String
    ) async -> NodeReply {
        let pod = sandbox.pod
        guard namespace.identity != home.identity else {
            return .refused("\(path) is the node's own network namespace; it is never captured")
        }
        let start = ContinuousClock.now
        guard let intent = await intent(for: sandbox, from: start, wait) else {
            if capturedNamespaces?.contains(pod.namespace) == false || wait.otherwise == .pass {
                return .done("\(pod) is not known to the control plane; it starts outside of the mesh")
            }
            return .refused(
                "the control plane has not said within \(wait.seconds) s whether \(pod) of node \(nodeName) is to be "
                    + "captured")
        }
        if let refusal = await place(sandbox, namespace, path: path) { return refusal }
        guard intent.captured else { return .done("\(pod) is not to be captured") }
        return await proof(of: sandbox, namespace, wait, before: start + .seconds(wait.seconds))
    }

    /// A sandbox has ended. Nothing of it is kept; its namespace goes with it.
    package func release(_ sandbox: PodSandbox) async -> NodeReply {
        guard drivers[sandbox.pod] != nil, isCurrent(sandbox) else {
            return .done("\(sandbox.pod) is not attached as \(sandbox.container); nothing to do")
        }
        await discard(sandbox.pod)
        return .done("\(sandbox.pod) released")
    }

    /// Whether a pod that is wanted is captured and that is proven.
    package func check(_ sandbox: PodSandbox) async -> NodeReply {
        guard let intent = intents?[sandbox.pod], intent.captured else {
            return .done("\(sandbox.pod) is not to be captured")
        }
        guard let driver = drivers[sandbox.pod], isCurrent(sandbox) else {
            return .refused("\(sandbox.pod) is not attached as \(sandbox.container)")
        }
        let report = await driver.status().report
        guard report.phase == .proven else { return .refused(Self.words(report)) }
        return .done("\(sandbox.pod) is captured")
    }

    /// Gives up every sandbox that is not among those that there are. Pods that persons attached stay.
    package func retain(_ containers: Set<String>) async -> NodeReply {
        let gone = sandboxes.filter { !$0.value.container.isEmpty && !containers.contains($0.value.container) }
        for (pod, sandbox) in gone.sorted(by: { $0.key < $1.key }) where sandboxes[pod] == sandbox {
            logger.info("sandbox is gone", metadata: ["pod": "\(pod)", "container": "\(sandbox.container)"])
            await discard(pod)
        }
        return .done("\(gone.count) released")
    }

    // MARK: - Parts

    /// What is wanted of this very pod, and not of an earlier one of its name; `nil` when nobody says it in time.
    private func intent(
        for sandbox: PodSandbox, from start: ContinuousClock.Instant, _ wait: EnrolmentWait
    ) async -> PodIntent? {
        while phase != .handedOver {
            let count = changeCount
            if let intent = intents?[sandbox.pod],
                intent.uid.isEmpty || sandbox.uid.isEmpty || intent.uid == sandbox.uid
            {
                return intent
            }
            // The control plane reaches us, and nothing of this namespace is captured: no need to be patient.
            let isStranger = capturedNamespaces?.contains(sandbox.pod.namespace) == false
            let seconds = isStranger ? min(wait.seconds, Self.strangerSeconds) : wait.seconds
            let deadline = start + .seconds(seconds)
            guard ContinuousClock.now < deadline else { return nil }
            await untilChange(since: count, before: deadline)
        }
        return nil
    }

    /// Makes the sandbox the pod's present one. Returns why that is not possible.
    func place(_ sandbox: PodSandbox, _ namespace: NetworkNamespace, path: String) async -> NodeReply? {
        guard await mayChange() else { return Self.handedOverReply }
        let pod = sandbox.pod
        while let present = drivers[pod] {
            if present.namespace.identity == namespace.identity, leaving[pod] == nil {
                sandboxes[pod] = sandbox
                save()
                return nil
            }
            logger.info("pod has a new sandbox", metadata: ["pod": "\(pod)", "container": "\(sandbox.container)"])
            await discard(pod)
            guard await mayChange() else { return Self.handedOverReply }
        }
        if let other = drivers.first(where: { $0.value.namespace.identity == namespace.identity }) {
            return .refused("\(path) belongs to pod \(other.key) already; each pod has a namespace of its own")
        }
        do {
            drivers[pod] = try makeDriver(pod, namespace, path: path)
        } catch {
            return .refused("cannot open netlink in \(path): \(error)")
        }
        sandboxes[pod] = sandbox
        save()
        logger.info("pod attached",
            metadata: ["pod": "\(pod)", "namespace": "\(path)", "container": "\(sandbox.container)"])
        await drivers[pod]?.want(desire(for: pod))
        return nil
    }

    func proof(
        of sandbox: PodSandbox, _ namespace: NetworkNamespace, _ wait: EnrolmentWait,
        before deadline: ContinuousClock.Instant
    ) async -> NodeReply {
        while true {
            let count = changeCount
            guard let driver = drivers[sandbox.pod], sandboxes[sandbox.pod] == sandbox else {
                return .refused("\(sandbox.pod) was released before it was enrolled")
            }
            if desire(for: sandbox.pod) == .released { return .done("\(sandbox.pod) is not to be captured any more") }
            let report = await driver.status().report
            if report.phase == .proven { return .done("\(sandbox.pod) is captured") }
            guard ContinuousClock.now < deadline else {
                return .refused("\(Self.words(report)) after \(wait.seconds) s")
            }
            await untilChange(since: count, before: deadline)
        }
    }

    func discard(_ pod: PodKey) async {
        guard await mayChange(), let driver = drivers[pod] else { return }
        await driver.abandon()
        guard drivers[pod] === driver else { return }
        (drivers[pod], sandboxes[pod]) = (nil, nil)
        save()
        await reportAll()
        logger.info("pod detached: its sandbox has ended", metadata: ["pod": "\(pod)"])
    }

    /// A pod that was found rather than announced has no container yet: its uid decides.
    private func isCurrent(_ sandbox: PodSandbox) -> Bool {
        guard let present = sandboxes[sandbox.pod] else { return true }
        guard present.container.isEmpty else { return present.container == sandbox.container }
        return present.uid.isEmpty || sandbox.uid.isEmpty || present.uid == sandbox.uid
    }

    private static func words(_ report: PodReport) -> String {
        "\(report.pod) is \(report.phase.rawValue)" + (report.message.isEmpty ? "" : ": \(report.message)")
    }
}
