extension Informer {
    /// What to do next.
    package enum Action: Hashable, Sendable {
        /// Ask for a page: from the start, or where the last one ended. No limit: all in one answer.
        case list(continuing: String?, limit: Int?)
        case watch(revision: String)
        case wait(milliseconds: Int)
    }

    /// What came of it.
    package enum Event: Sendable {
        case page(Page)
        /// The server has taken the watch.
        case opened
        case change(Change)
        /// The watch has ended, in order or not, without an error that has a name.
        case ended
        case failed(APIFailure)
        /// The wait is over.
        case elapsed
    }

    /// A part of a list.
    package struct Page: Sendable {
        package var objects: [(key: String, value: Value)]
        /// Where the next page begins; `nil` for the last.
        package var continuing: String?
        /// The version of the whole list.
        package var revision: String

        package init(objects: [(key: String, value: Value)], continuing: String?, revision: String) {
            self.objects = objects
            self.continuing = continuing
            self.revision = revision
        }
    }

    /// An event of a watch. The version may be empty when the server does not say it.
    package enum Change: Sendable {
        case put(key: String, value: Value, revision: String)
        case delete(key: String, revision: String)
        case bookmark(revision: String)
    }
}
