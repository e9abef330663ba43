package import ControlTranslate
import Foundation
package import Logging
import MeshKernel

/// Reads a directory tree of resource files and says when it changed.
package actor DirectorySource {
    /// Times of the watch, in milliseconds.
    package struct Timing: Hashable, Sendable {
        /// A change is read when nothing else has changed for so long: editors and git write in several steps.
        package var quietMilliseconds: Int32 = 30
        /// A tree that never falls quiet is read after so long.
        package var quietMaxMilliseconds: Int32 = 500
        /// Files behind symbolic links out of the tree bring no events, so the tree is also looked at regularly.
        package var lookMilliseconds: Int32 = 5000
        /// Between attempts to watch a directory that is not there.
        package var retryMilliseconds: Int32 = 500

        package init() {}
    }

    private let logger: Logger
    private let timing: Timing
    private let waitsForReadableFiles: Bool
    private var state: DirectoryState
    private var hasDelivered = false

    /// `waitsForReadableFiles`: the first state is held back until every file has been valid YAML once. Without it a
    /// control plane that restarts beside a broken file takes that file's policies out of force.
    package init(
        directory: String, logger: Logger = Logger(label: "apus.sources"), timing: Timing = Timing(),
        waitsForReadableFiles: Bool = false
    ) {
        self.logger = logger
        self.timing = timing
        self.waitsForReadableFiles = waitsForReadableFiles
        state = DirectoryState(directory: directory)
    }

    /// Calls back with the first state once the directory can be read, then with each change, until the task is
    /// cancelled. The next change waits until the call has returned; changes in between become one.
    package func run(onChange: @Sendable (ResourceSet, [Finding]) async -> Void) async {
        var complaint = ""
        while !Task.isCancelled {
            do {
                // Watching starts before reading, so that no change falls in between.
                let watch = try DirectoryWatch(directory: state.directory)
                complaint = ""
                await follow(watch, onChange)
            } catch {
                let text = "\(error)"
                if text != complaint {
                    logger.error("cannot watch \(state.directory): \(text); trying again")
                    complaint = text
                }
                await deliver(onChange)
            }
            try? await Task.sleep(for: .milliseconds(Int(timing.retryMilliseconds)))
        }
    }

    /// Until the task is cancelled or the directory is gone.
    private func follow(
        _ watch: DirectoryWatch, _ onChange: @Sendable (ResourceSet, [Finding]) async -> Void
    ) async {
        await deliver(onChange)
        let changes = WatchThread.changes(watch, timing)
        await withTaskCancellationHandler {
            for await occasion in changes {
                // Without an event nobody has said that the file is written whole.
                await deliver(onChange, settledSeconds: occasion == .look ? 1 : 0)
            }
        } onCancel: {
            watch.wake()
        }
    }

    private func deliver(
        _ onChange: @Sendable (ResourceSet, [Finding]) async -> Void, settledSeconds: TimeInterval = 0
    ) async {
        guard !Task.isCancelled else { return }
        let isChanged = state.refresh(settledSeconds: settledSeconds)
        guard state.hasBeenRead else { return }
        guard isChanged || !hasDelivered else { return }
        let (resources, findings) = state.merged()
        if waitsForReadableFiles, !hasDelivered, !state.isComplete {
            for finding in findings where finding.severity == .error {
                logger.error("waiting for readable files: \(finding)")
            }
            return
        }
        hasDelivered = true
        await onChange(resources, findings)
    }
}

/// The thread that waits for the kernel: waiting blocks, and a blocked thread of the concurrency pool would be missed.
private enum WatchThread {
    /// Why to read the tree.
    enum Occasion {
        /// Something changed, and all is quiet again.
        case change
        /// It is time for the regular look.
        case look
    }

    /// A busy reader finds the newest few only: a change may be pushed out by looks that came ten seconds later, and
    /// then the look finds it. Ends when the watch is woken or fails.
    static func changes(_ watch: DirectoryWatch, _ timing: DirectorySource.Timing) -> AsyncStream<Occasion> {
        let (stream, continuation) = AsyncStream.makeStream(of: Occasion.self, bufferingPolicy: .bufferingNewest(2))
        Thread.detachNewThread {
            while let occasion = wait(watch, timing) {
                continuation.yield(occasion)
            }
            continuation.finish()
        }
        return stream
    }

    /// `nil`: woken, or the directory is gone.
    private static func wait(_ watch: DirectoryWatch, _ timing: DirectorySource.Timing) -> Occasion? {
        do {
            switch try watch.next(timeoutMilliseconds: timing.lookMilliseconds) {
            case .woken: return nil
            case .timeout: return .look
            case .changed, .overflow: break
            }
            let clock = ContinuousClock()
            let deadline = clock.now.advanced(by: .milliseconds(Int(timing.quietMaxMilliseconds)))
            while clock.now < deadline {
                switch try watch.next(timeoutMilliseconds: timing.quietMilliseconds) {
                case .woken: return nil
                case .timeout: return .change
                case .changed, .overflow: continue
                }
            }
            return .change
        } catch {
            return nil
        }
    }
}
