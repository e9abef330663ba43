internal import NIOCore

extension RequestDoor {
    /// The next answer says that it is the last.
    func drain() {
        isDraining = true
        closeIfIdleLater()
    }

    /// Who was told that the connection lives on may be asking just now: it gets a moment to hear that it ends.
    func closeIfIdleLater() {
        guard isIdle else { return }
        context?.eventLoop.assumeIsolated().scheduleTask(in: call.loop.settings.idleDrainTime) {
            if self.isIdle, !self.isClosing { self.close() }
        }
    }

    /// Whoever waits for an answer gets none any more.
    func close() {
        isClosing = true
        context?.channel.close(promise: nil)
    }
}
