import COpenSSL
package import MeshModel

/// What is spoken above TLS, by its name in ALPN (RFC 7301).
package enum OriginProtocol: String, Hashable, Sendable {
    case http1 = "http/1.1"
    case http2 = "h2"
}

/// Which server a handshake is for.
package struct OriginExpectation: Hashable, Sendable {
    /// What it is called in the handshake. An address is not sent there (RFC 6066 section 3).
    package var serverName: String?
    /// Its certificate must have one of these: DNS names, addresses or URIs. None admits no server.
    package var names: [String]
    /// The best first; none: nothing is said of protocols.
    package var protocols: [OriginProtocol]

    /// - Parameter tls: resolved for the service.
    package init(_ tls: OriginTLS, protocols: [OriginProtocol]) {
        serverName = tls.serverName
        names = tls.acceptedNames
        self.protocols = protocols
    }
}

/// A server that was verified in a finished handshake. Only this room makes one.
package struct VerifiedOrigin: Hashable, Sendable {
    /// What it chose of what was offered; `nil`: it says nothing of protocols.
    package let applicationProtocol: OriginProtocol?

    init(applicationProtocol: OriginProtocol?) { self.applicationProtocol = applicationProtocol }
}

/// Fired up the pipeline once, before any plain text.
package struct OriginHandshakeFinished: Hashable, Sendable {
    package let origin: VerifiedOrigin
}

/// What one handshake with a server outside of the mesh expects and finds. The verification callback works on it.
final class OriginCheck {
    let expectation: OriginExpectation
    let isUnverified: Bool
    /// Why the server was refused, in more detail than libssl's error queue holds.
    var refusal: TLSError?

    init(_ expectation: OriginExpectation, isUnverified: Bool) {
        self.expectation = expectation
        self.isUnverified = isUnverified
    }

    /// Looks at a leaf whose chain has verified (RFC 9525): only alternative names count, stars stand for one label.
    func admits(_ leaf: CertificateView) -> Bool {
        let uris = unsafe leaf.alternativeNames.uris
        for name in expectation.names where unsafe uris.contains(name) || leaf.isFor(name) { return true }
        refusal = unsafe .peerName(expected: expectation.names, found: leaf.serverNames)
        return false
    }

    /// Tells a session whom it is for.
    func prepare(_ session: OpaquePointer) throws(TLSError) {
        unsafe _ = apus_SSL_set_app_data(session, Unmanaged.passUnretained(self).toOpaque())
        if let name = expectation.serverName, !Self.isAddress(name) {
            guard unsafe apus_SSL_set_tlsext_host_name(session, name) == 1 else {
                throw LibraryErrors.failure("set the server name")
            }
        }
        guard !expectation.protocols.isEmpty else { return }
        let offer = expectation.protocols.flatMap { [UInt8($0.rawValue.utf8.count)] + Array($0.rawValue.utf8) }
        // The one call of libssl where zero is success.
        guard unsafe SSL_set_alpn_protos(session, offer, UInt32(offer.count)) == 0 else {
            throw LibraryErrors.failure("offer protocols")
        }
    }

    /// What a finished handshake has agreed on.
    func outcome(of session: OpaquePointer) -> Result<VerifiedOrigin, TLSError> {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(session, &name, &count)
        guard count > 0 else { return .success(VerifiedOrigin(applicationProtocol: nil)) }
        let text = unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
        guard let chosen = OriginProtocol(rawValue: text), expectation.protocols.contains(chosen) else {
            return .failure(.noCommonProtocol)
        }
        return .success(VerifiedOrigin(applicationProtocol: chosen))
    }

    private static func isAddress(_ name: String) -> Bool { IPAddress(name) != nil }
}

extension CertificateView {
    /// Whether it has this DNS name or address.
    func isFor(_ name: String) -> Bool {
        if IPAddress(name) != nil { return unsafe X509_check_ip_asc(pointer, name, 0) == 1 }
        let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        return unsafe X509_check_host(pointer, name, name.utf8.count, flags, nil) == 1
    }
}
