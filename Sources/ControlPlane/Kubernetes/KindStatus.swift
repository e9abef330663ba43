/// How far a kind is, for people.
package struct KindStatus: Hashable, Sendable, Encodable {
    package enum State: String, Hashable, Sendable, Encodable {
        /// Discovery has not said anything of it yet.
        case unknown
        /// The API server does not have it.
        case off
        case listing
        case watching
        /// After a failure, until the next attempt.
        case waiting
    }

    package var name: String
    package var state: State
    /// Version of the API; `nil` when the kind is not read.
    package var version: String?
    /// A whole list has come.
    package var isSynced = false
    package var objects = 0
    /// Of the newest object that we know.
    package var resourceVersion = ""
    /// Whole lists taken in; more than one means that a watch could not be resumed.
    package var lists = 0
    /// Why the last request failed.
    package var trouble: String?
}
