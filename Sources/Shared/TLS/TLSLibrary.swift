import COpenSSL

/// The TLS library this process runs with.
package enum TLSLibrary {
    /// E.g. `OpenSSL 3.0.22 25 Aug 2026`: the version loaded, which may be newer than the one built against.
    package static var versionText: String {
        unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
    }
}
