/// What one message may make a reader hold or go through. Chosen by us unless a source is named.
package struct HTTPLimits: Hashable, Sendable {
    /// Bytes of the first line with its CR and LF. RFC 9112 section 3 recommends 8,000 at least.
    package var startLineBytesMax = 8 * 1024
    /// Bytes of a head from its first byte to its empty line. Envoy's default, so that what passes there passes here.
    package var headBytesMax = 60 * 1024
    /// Fields of a head or of trailers. Envoy's default.
    package var fieldsMax = 100
    /// Bytes of all trailers with their empty line; they are few and short where they are used at all.
    package var trailerBytesMax = 8 * 1024
    /// Hexadecimal digits of a chunk's size: as many as 64 bits have, leading zeros among them.
    package var chunkSizeDigitsMax = 16
    /// Bytes of the extensions of all chunks of one body: nobody reads them, so they only cost time.
    package var chunkExtensionBytesMax = 16 * 1024
    /// Interim answers (1xx) to one request: each is passed on, so an endpoint could keep us busy with them.
    package var interimAnswersMax = 16

    package init() {}
}
