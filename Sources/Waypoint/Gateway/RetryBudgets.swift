internal import MeshModel
internal import WaypointRoute

/// The budgets of retries of one loop, one for each port of a service that requests are going to.
struct RetryBudgets {
    private let settings: RetryBudgetSettings?
    private var budgets: [RouteTarget: RetryBudget] = [:]

    /// - Parameter settings: `nil`: as many retries as there are.
    init(_ settings: RetryBudgetSettings?) { self.settings = settings }

    /// - Parameter own: of the service, instead of the waypoint's; while requests are under way, what the first of them
    ///   said holds.
    mutating func requestStarted(_ target: CallTarget, _ own: RetryBudgetSettings? = nil) {
        guard let settings = own ?? settings, let key = target.routeTarget else { return }
        budgets[key, default: RetryBudget(settings)].requestStarted()
    }

    mutating func requestEnded(_ target: CallTarget) { change(target) { $0.requestEnded() } }

    mutating func retryEnded(_ target: CallTarget) { change(target) { $0.retryEnded() } }

    mutating func with<T>(_ target: CallTarget, _ body: (inout RetryBudget) -> T) -> T {
        guard !budgets.isEmpty, let key = target.routeTarget, var budget = budgets[key] else {
            var unlimited = RetryBudget(nil)
            return body(&unlimited)
        }
        defer { budgets[key] = budget }
        return body(&budget)
    }

    /// Budgets are counted only where there is one to keep to.
    private mutating func change(_ target: CallTarget, _ body: (inout RetryBudget) -> Void) {
        guard !budgets.isEmpty, let key = target.routeTarget, var budget = budgets[key] else { return }
        body(&budget)
        budgets[key] = budget.activeRequests == 0 && budget.activeRetries == 0 ? nil : budget
    }
}
