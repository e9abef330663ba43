/// Which limit on peer-driven work was exceeded. Counts are per `HTTP2Limits.floodWindow` unless said otherwise.
package enum HTTP2Flood: Hashable, Sendable, CustomStringConvertible {
    case settings(count: Int)
    case settingsEntries(count: Int)
    case pings(count: Int)
    case priorities(count: Int)
    case unknownFrames(count: Int)
    case emptyData(count: Int)
    case windowUpdates(count: Int)
    /// Streams that the peer reset before we answered.
    case earlyResets(count: Int)
    /// Frames for streams that are closed.
    case strayFrames(count: Int)
    /// Streams that the peer made us reset or refuse.
    case streamErrors(count: Int)
    case interimResponses(count: Int)
    /// CONTINUATION frames of one header block.
    case continuations(count: Int)
    /// Encoded bytes of one header block.
    case headerBlock(bytesMax: Int)
    /// Decoded bytes of one header block.
    case headerList(bytesMax: Int)
    /// Control frames of ours that the peer does not read.
    case unreadControlFrames(bytes: Int)

    package var description: String {
        switch self {
        case .settings(let count): "flood of SETTINGS: \(count)"
        case .settingsEntries(let count): "flood of settings in one frame: \(count)"
        case .pings(let count): "flood of PING: \(count)"
        case .priorities(let count): "flood of PRIORITY: \(count)"
        case .unknownFrames(let count): "flood of frames of unknown type: \(count)"
        case .emptyData(let count): "flood of empty DATA: \(count)"
        case .windowUpdates(let count): "flood of WINDOW_UPDATE: \(count)"
        case .earlyResets(let count): "flood of streams reset before they were answered: \(count)"
        case .strayFrames(let count): "flood of frames on closed streams: \(count)"
        case .streamErrors(let count): "flood of streams that had to be reset: \(count)"
        case .interimResponses(let count): "flood of interim responses: \(count)"
        case .continuations(let count): "flood of CONTINUATION in one header block: \(count)"
        case .headerBlock(let bytesMax): "header block has more than \(bytesMax) encoded bytes"
        case .headerList(let bytesMax): "header block decodes to more than \(bytesMax) bytes"
        case .unreadControlFrames(let bytes): "peer leaves \(bytes) bytes of control frames unread"
        }
    }
}
