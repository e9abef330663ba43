internal import MeshModel
internal import MeshTLS

/// What connections to servers outside of the mesh are made with, for all loops of a waypoint. Files are read when a
/// connection needs them and again when they have changed; connections that live are left alone.
actor OriginContexts {
    /// More kinds than rules of traffic usually have; beyond that all are made anew.
    private static let contextsMax = 256

    private let systemRoots: String?
    private var contexts: [OriginTLS: OriginContext] = [:]

    /// - Parameter systemRoots: a PEM file of authorities; `nil`: those of the operating system.
    init(systemRoots: String? = nil) { self.systemRoots = systemRoots }

    /// Errors: `.file`, `.library`.
    func context(for settings: OriginTLS) throws(TLSError) -> OriginContext {
        // Names are each session's own.
        var key = settings
        (key.serverName, key.names) = (nil, [])
        if let known = contexts[key], known.isCurrent { return known }
        if contexts.count >= Self.contextsMax { contexts.removeAll() }
        contexts[key] = nil
        let made = try OriginContext(key, systemRoots: systemRoots)
        contexts[key] = made
        return made
    }
}
