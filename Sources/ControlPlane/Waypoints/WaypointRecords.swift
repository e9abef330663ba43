import ControlAuthority
import Foundation
import Logging
import MeshKernel

/// Which processes and devices are ours, on disk, so that a control plane that died leaves nothing for good.
struct WaypointRecords: Sendable {
    let settings: WaypointRunSettings
    let log: Logger

    private static let suffix = ".process"
    private static let endSeconds = 3.0

    func write(_ name: WaypointInstanceName, _ process: ChildProcess) {
        do {
            try settings.state.replace(place(name), "\(process.identifier) \(process.startTicks)\n")
        } catch {
            log.warning("a restart of the control plane would not find the waypoint's process: \(error)")
        }
    }

    func remove(_ name: WaypointInstanceName) {
        try? FileManager.default.removeItem(atPath: settings.state.path(of: place(name)))
        // A process that was killed leaves it behind.
        let socket = "\(WaypointRunSettings.folder)/\(name.file).sock"
        try? FileManager.default.removeItem(atPath: settings.state.path(of: socket))
    }

    /// Ends processes of an earlier life and deletes their devices. Blocks for some seconds at most.
    func sweep() {
        do {
            try settings.state.makeDirectory(WaypointRunSettings.folder)
            for file in try settings.state.list(WaypointRunSettings.folder) where file.hasSuffix(Self.suffix) {
                end("\(WaypointRunSettings.folder)/\(file)")
            }
            for device in try PodLink.devices(withPrefix: settings.devicePrefix) {
                try PodLink.remove(device: device)
                log.info("device of an earlier waypoint removed", metadata: ["device": "\(device)"])
            }
        } catch {
            log.error("what earlier waypoints left behind is not removed: \(error)")
        }
    }

    private func end(_ file: String) {
        let path = settings.state.path(of: file)
        let words = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(whereSeparator: \.isWhitespace)
        if words.count == 2, let identifier = Int32(words[0]), let ticks = UInt64(words[1]) {
            let deadline = Date().addingTimeInterval(Self.endSeconds)
            if ForeignProcess.signal(identifier, startTicks: ticks, SIGTERM) {
                log.info("waypoint of an earlier run is ended", metadata: ["process": "\(identifier)"])
            }
            while ForeignProcess.startTicks(of: identifier) == ticks, Date() < deadline {
                Thread.sleep(forTimeInterval: 0.02)
            }
            _ = ForeignProcess.signal(identifier, startTicks: ticks, SIGKILL)
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    private func place(_ name: WaypointInstanceName) -> String {
        "\(WaypointRunSettings.folder)/\(name.file)\(Self.suffix)"
    }
}

/// Runs what blocks on a thread of its own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
