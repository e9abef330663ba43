/// The objects of one kind, kept equal to those of the API server: first a list, then a watch from the list's version
/// on (kubernetes.io, "Efficient detection of changes"). Pure: what happened and the time go in, what to do comes out.
/// There is always exactly one thing to do.
package struct Informer<Value: Equatable & Sendable>: Sendable {
    private enum Phase: Sendable {
        case listing(Listing)
        case watching(sinceMilliseconds: Int64)
        case waiting(then: Next)
    }

    private enum Next: Sendable {
        case list(Listing)
        case watch
    }

    private struct Listing: Sendable {
        var objects: [String: Value] = [:]
        var continuing: String?
        var revision = ""
        /// Of the page that is wanted now.
        var failures = 0
    }

    private static var relistAfterFailures: Int { 5 }
    /// A watch that lived so long was a success.
    private static var goodWatchMilliseconds: Int64 { 2000 }

    /// The objects by their keys, as of the last whole list and what was watched since.
    package private(set) var objects: [String: Value] = [:]
    /// A whole list has come at least once.
    package private(set) var isSynced = false
    /// Version of `objects`; empty before the first list.
    package private(set) var revision = ""
    /// Why the last request failed; `nil` since one has succeeded.
    package private(set) var trouble: APIFailure?
    /// How many whole lists were taken in.
    package private(set) var listCount = 0
    private var hasChanged = false
    private var phase = Phase.listing(Listing())
    private var backoff = Backoff()
    private var limit: Int?
    private let pageLimit: Int

    /// - Parameter pageLimit: objects of a page.
    package init(pageLimit: Int) {
        self.pageLimit = pageLimit
        limit = pageLimit
    }

    /// The first thing to do.
    package var start: Action { .list(continuing: nil, limit: limit) }

    /// Says once whether `objects` or `isSynced` have changed since it was last asked.
    package mutating func takeChange() -> Bool {
        defer { hasChanged = false }
        return hasChanged
    }

    /// Takes in what happened.
    /// - Parameters:
    ///   - nowMilliseconds: a clock that never goes back.
    ///   - chance: 0 ..< 1, anew for each call; spreads waits.
    /// - Returns: what to do next; `nil`: go on with what is under way. An event that does not belong to what is under
    ///   way changes nothing.
    package mutating func handle(_ event: Event, nowMilliseconds: Int64, chance: Double) -> Action? {
        switch (phase, event) {
        case (.listing(let listing), .page(let page)):
            // Else the table would be held twice, and copied.
            phase = .listing(Listing())
            return take(page, into: listing, nowMilliseconds)
        case (.listing(let listing), .failed(let failure)): return listFailed(failure, listing, chance)
        case (.watching, .opened):
            trouble = nil
            return nil
        case (.watching, .change(let change)):
            apply(change)
            return nil
        case (.watching(let since), .ended):
            // A server that ends every watch at once must not be asked without pause.
            guard nowMilliseconds - since >= Self.goodWatchMilliseconds else { return wait(nil, chance, then: .watch) }
            backoff.reset()
            return watch(nowMilliseconds)
        case (.watching(let since), .failed(let failure)):
            if nowMilliseconds - since >= Self.goodWatchMilliseconds { backoff.reset() }
            return wait(failure, chance, then: .watch)
        case (.waiting(let next), .elapsed): return begin(next, nowMilliseconds)
        default: return nil
        }
    }

    private mutating func begin(_ next: Next, _ nowMilliseconds: Int64) -> Action {
        switch next {
        case .watch: return watch(nowMilliseconds)
        case .list(let listing):
            phase = .listing(listing)
            return .list(continuing: listing.continuing, limit: limit)
        }
    }

    private mutating func watch(_ nowMilliseconds: Int64) -> Action {
        phase = .watching(sinceMilliseconds: nowMilliseconds)
        return .watch(revision: revision)
    }

    private mutating func take(_ page: Page, into listing: Listing, _ nowMilliseconds: Int64) -> Action {
        var listing = listing
        // All pages are of one version; the first has said it.
        if listing.revision.isEmpty { listing.revision = page.revision }
        for (key, value) in page.objects { listing.objects[key] = value }
        trouble = nil
        // Failures of the watch count on: a server that lists and refuses to watch is left alone more and more.
        if listing.failures > 0 { backoff.reset() }
        listing.failures = 0
        if let continuing = page.continuing, !continuing.isEmpty {
            listing.continuing = continuing
            return begin(.list(listing), nowMilliseconds)
        }
        if !isSynced || objects != listing.objects { hasChanged = true }
        objects = listing.objects
        revision = listing.revision
        isSynced = true
        listCount += 1
        limit = pageLimit
        return watch(nowMilliseconds)
    }

    private mutating func apply(_ change: Change) {
        trouble = nil
        backoff.reset()
        switch change {
        case .put(let key, let value, let revision):
            if objects[key] != value {
                objects[key] = value
                hasChanged = true
            }
            if !revision.isEmpty { self.revision = revision }
        case .delete(let key, let revision):
            if objects.removeValue(forKey: key) != nil { hasChanged = true }
            if !revision.isEmpty { self.revision = revision }
        case .bookmark(let revision):
            if !revision.isEmpty { self.revision = revision }
        }
    }

    /// The page is asked for again; a list that cannot go on begins anew.
    private mutating func listFailed(_ failure: APIFailure, _ listing: Listing, _ chance: Double) -> Action {
        if failure == .expired {
            // The list took longer than the server remembers: it must come in one piece.
            limit = nil
        }
        var listing = failure.isPassing && listing.failures < Self.relistAfterFailures ? listing : Listing()
        listing.failures += 1
        return wait(failure, chance, then: .list(listing))
    }

    private mutating func wait(_ failure: APIFailure?, _ chance: Double, then next: Next) -> Action {
        trouble = failure ?? trouble
        let milliseconds = backoff.next(after: failure, chance: chance)
        var next = next
        if case .watch = next {
            let resumes = failure.map { $0.isPassing || $0.isForbidden } ?? true
            if !resumes || backoff.failures > Self.relistAfterFailures { next = .list(Listing()) }
        }
        phase = .waiting(then: next)
        return .wait(milliseconds: milliseconds)
    }
}
