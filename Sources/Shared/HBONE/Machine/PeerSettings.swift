/// Identifiers of SETTINGS. Sources: RFC 9113 section 6.5.2, RFC 8441 (8), RFC 9218 (9).
enum SettingIdentifier: UInt16 {
    case headerTableSize = 1
    case enablePush = 2
    case maxConcurrentStreams = 3
    case initialWindowSize = 4
    case maxFrameSize = 5
    case maxHeaderListSize = 6
    case enableConnectProtocol = 8
    case noPriorities = 9
}

/// What the peer allows us; starts at the protocol's defaults.
struct PeerSettings {
    var maxConcurrentStreams = 65_535
    var initialWindowBytes = 65_535
    var maxFrameBytes = 16_384
    /// nil: no limit was named.
    var maxHeaderListBytes: Int?

    /// More streams than this on one connection are never opened, whatever the peer says.
    static let concurrentStreamsCap = 65_535
}
