internal import Dispatch
internal import Foundation
package import Logging
internal import MeshKernel
internal import NodeCNI
internal import Synchronization

/// Keeps the plugin in a node's networks as long as the daemon runs: installs it, and repairs what others change.
package final class NetworkKeeper: Sendable {
    /// Before the next look when the directory cannot be watched, or nothing has changed.
    private static let pauseMilliseconds: Int32 = 30_000
    /// Before the next try after a failure.
    private static let retryMilliseconds: Int32 = 2_000

    private struct State {
        var watch: DirectoryWatch?
        var isRunning = false
        var isEnding = false
    }

    private let installation: NetworkInstallation
    private let logger: Logger
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    package init(_ installation: NetworkInstallation, logger: Logger) {
        self.installation = installation
        self.logger = logger
    }

    /// Starts its thread.
    package func start() {
        state.withLock { $0.isRunning = true }
        let thread = Thread { [self] in
            keep()
            ended.signal()
        }
        thread.name = "cni"
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// Stops keeping, and takes the plugin out where that is wanted; but never for a successor. Blocks for a few
    /// milliseconds. Stopping what does not run changes nothing.
    package func stop(forSuccessor: Bool = false) {
        let wasRunning = state.withLock { state in
            defer { state.isRunning = false }
            state.isEnding = true
            state.watch?.wake()
            return state.isRunning
        }
        guard wasRunning else { return }
        _ = ended.wait(timeout: .now() + .seconds(5))
        guard installation.removesAtEnd, !forSuccessor else { return }
        do {
            try installation.remove()
            logger.info("CNI plugin removed from the node")
        } catch {
            logger.error("CNI plugin not removed; pods cannot start until it is",
                metadata: ["directory": "\(installation.configurationDirectory)", "error": "\(error)"])
        }
    }

    private var isEnding: Bool { state.withLock { $0.isEnding } }

    private func keep() {
        var pace = RepairPace()
        var isInstalled = false
        var complaint = ""
        while !isEnding {
            var pause = Self.pauseMilliseconds
            do {
                let watch = try openWatch()
                try installation.installProgram()
                let change = try installation.installConfiguration()
                note(change, &pace, isInstalled, &complaint)
                if case .wait = change { isInstalled = false } else { isInstalled = true }
                switch try watch.next(timeoutMilliseconds: pause) {
                case .woken: return
                case .timeout: continue
                case .changed, .overflow: pause = milliseconds(pace.delay(at: .now))
                }
                // Whoever writes may write more: the last state counts.
                if case .woken = try watch.next(timeoutMilliseconds: 0) { return }
                nap(pause)
            } catch {
                state.withLock { $0.watch = nil }
                complain("\(error)", &complaint)
                nap(Self.retryMilliseconds)
            }
        }
    }

    private func openWatch() throws -> DirectoryWatch {
        if let watch = state.withLock({ $0.watch }) { return watch }
        let watch = try DirectoryWatch(directory: installation.configurationDirectory)
        state.withLock { state in
            state.watch = watch
            if state.isEnding { watch.wake() }
        }
        return watch
    }

    /// In small steps, so that an end is not held up.
    private func nap(_ milliseconds: Int32) {
        let end = ContinuousClock.now + .milliseconds(Int(milliseconds))
        while !isEnding, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.05) }
    }

    private func note(
        _ change: NetworkDirectory.Change, _ pace: inout RepairPace, _ isInstalled: Bool, _ complaint: inout String
    ) {
        switch change {
        case .nothing: complaint = ""
        case .wait(let reason): complain(reason, &complaint)
        case .remove: break
        case .write(let name, _):
            complaint = ""
            guard isInstalled else {
                return logger.info("CNI plugin installed", metadata: ["file": "\(name)"])
            }
            pace.repaired(at: .now)
            let (count, delay) = (pace.count, pace.delay(at: .now))
            logger.warning("network configuration was changed by somebody; CNI plugin installed again",
                metadata: [
                    "file": "\(name)", "repairs in 10 min": "\(count)", "next after": "\(delay)",
                ])
        }
    }

    /// The same reason is told once.
    private func complain(_ reason: String, _ last: inout String) {
        guard reason != last else { return }
        last = reason
        logger.warning("CNI plugin not installed yet; trying on",
            metadata: ["directory": "\(installation.configurationDirectory)", "reason": "\(reason)"])
    }

    private func milliseconds(_ duration: Duration) -> Int32 {
        Int32(clamping: Int(duration / .milliseconds(1)))
    }
}
