/// Times and bounds of the source.
package struct SourceTiming: Hashable, Sendable {
    /// A change is told when nothing else has changed for so long: what belongs together comes in several events.
    package var quietMilliseconds = 30
    /// A cluster that never falls quiet is told after so long.
    package var quietMostMilliseconds = 150
    /// Between looks for kinds.
    package var discoveryMilliseconds: Int64 = 30_000
    /// The same after a kind was defined or found gone, for `hurryMilliseconds`.
    package var hurriedDiscoveryMilliseconds: Int64 = 1000
    package var hurryMilliseconds: Int64 = 10_000
    /// A kind must be away for so long, in two looks at least, before its objects are given up: an API server that
    /// starts may not have loaded all definitions.
    package var absenceMilliseconds: Int64 = 10_000
    /// Objects of a page.
    package var pageLimit = 500
    /// For a whole page or another answer.
    package var answerSeconds = 60
    /// How long the server is asked to keep a watch; a part of as much is added by chance.
    package var watchSeconds = 240
    /// Without a byte for so long a connection counts as lost. Bookmarks come about every minute.
    package var silenceSeconds = 90
    package var connectSeconds = 10
    /// Of an event. An object has 1.5 MiB at most in the server's store (etcd.io, "System limits").
    package var lineBytesMax = 8 * 1024 * 1024
    /// Of a page, or of a list that comes in one piece.
    package var answerBytesMax = 256 * 1024 * 1024

    /// Of a request: what an API server takes (k8s.io/apiserver, MaxRequestBodyBytes).
    package var requestBytesMax = 3 * 1024 * 1024

    package init() {}
}
