import NIOCore

// SETTINGS of the peer. Source: RFC 9113 section 6.5.
extension HTTP2Session {
    mutating func takeSettings(
        _ header: FrameHeader, _ payload: ByteBuffer, _ now: NIODeadline, _ output: inout ByteBuffer
    ) throws(HTTP2ConnectionError) -> Step {
        try checkConnectionLevel(header)
        diagnostics.settingsReceived += 1
        try floods.count(.settings, limits: limits, now: now)
        if header.has(FrameFlag.acknowledgement) {
            guard unacknowledgedSettings > 0 else {
                throw .init(.protocolViolation(.unexpectedSettingsAcknowledgement))
            }
            unacknowledgedSettings -= 1
            return .event(.settingsAcknowledged)
        }
        if !hasReceivedSettings {
            // From here on silence means no limit; until here we assumed one.
            hasReceivedSettings = true
            peer.maxConcurrentStreams = PeerSettings.concurrentStreamsCap
        }
        var payload = payload
        while let (identifier, value) = payload.readMultipleIntegers(as: (UInt16, UInt32).self) {
            // Unknown settings are ignored.
            guard let known = SettingIdentifier(rawValue: identifier) else { continue }
            try apply(known, value)
        }
        writeControl(FrameHeader(payloadBytes: 0, type: FrameType.settings, flags: FrameFlag.acknowledgement), &output)
        return .event(.settingsReceived)
    }

    private mutating func apply(_ setting: SettingIdentifier, _ value: UInt32) throws(HTTP2ConnectionError) {
        let illegal = HTTP2ConnectionError(
            .protocolViolation(.settingValue(identifier: setting.rawValue, value: value)))
        switch setting {
        case .headerTableSize:
            encoder.setTableSize(Int(value))
        case .enablePush:
            guard value == 0 || (value == 1 && role == .server) else { throw illegal }
        case .enableConnectProtocol, .noPriorities:
            guard value <= 1 else { throw illegal }
        case .maxConcurrentStreams:
            peer.maxConcurrentStreams = min(Int(value), PeerSettings.concurrentStreamsCap)
        case .initialWindowSize:
            guard value <= Self.windowBytesMax else { throw .init(.flowControl(.initialWindowOverflow)) }
            try changeInitialWindow(Int(value))
        case .maxFrameSize:
            guard (16_384...16_777_215).contains(value) else { throw illegal }
            peer.maxFrameBytes = Int(value)
        case .maxHeaderListSize:
            peer.maxHeaderListBytes = Int(value)
        }
    }

    /// Live streams move by the difference, below zero if need be. Source: RFC 9113 section 6.9.2.
    private mutating func changeInitialWindow(_ bytes: Int) throws(HTTP2ConnectionError) {
        let difference = bytes - peer.initialWindowBytes
        peer.initialWindowBytes = bytes
        guard difference != 0 else { return }
        try streams.updateEach { (record: inout StreamRecord) throws(HTTP2ConnectionError) in
            record.sendWindowBytes += difference
            guard record.sendWindowBytes <= Self.windowBytesMax else {
                throw .init(.flowControl(.initialWindowOverflow))
            }
        }
    }
}
