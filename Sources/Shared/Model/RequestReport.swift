/// What a waypoint does with a request, and why.
package struct RequestReport: Codable, Hashable, Sendable {
    /// A request as policy and routes see it.
    package struct Request: Codable, Hashable, Sendable {
        package var method: String
        package var host: String
        /// Normalized, without the query.
        package var path: String

        package init(method: String, host: String, path: String) {
            self.method = method
            self.host = host
            self.path = path
        }
    }

    /// One policy that was asked.
    package struct Policy: Codable, Hashable, Sendable {
        /// `NAMESPACE/NAME`.
        package var name: String
        package var action: String
        package var isDryRun: Bool
        /// The rule by which it matches, from 0.
        package var rule: Int?
        /// Why it matches, or why not.
        package var line: String

        package init(name: String, action: String, isDryRun: Bool, rule: Int?, line: String) {
            self.name = name
            self.action = action
            self.isDryRun = isDryRun
            self.rule = rule
            self.line = line
        }
    }

    /// What policies say of the request.
    package struct Verdict: Codable, Hashable, Sendable {
        package var isAllowed: Bool
        /// The policy and the rule that decided; `nil` where none did.
        package var policy: String?
        package var rule: Int?
        package var reason: String

        package init(isAllowed: Bool, policy: String? = nil, rule: Int? = nil, reason: String) {
            self.isAllowed = isAllowed
            self.policy = policy
            self.rule = rule
            self.reason = reason
        }
    }

    /// A back end of the rule that was taken.
    package struct Backend: Codable, Hashable, Sendable {
        /// `NAMESPACE/HOSTNAME:PORT`; `nil` for a reference that leads nowhere.
        package var service: String?
        package var weight: UInt32
        /// What becomes of requests that it gets.
        package var outcome: String

        package init(service: String?, weight: UInt32, outcome: String) {
            self.service = service
            self.weight = weight
            self.outcome = outcome
        }
    }

    /// The rule of a route that was taken.
    package struct Route: Codable, Hashable, Sendable {
        /// `HTTPRoute`.
        package var kind: String
        /// `NAMESPACE/NAME`.
        package var name: String
        /// From 0.
        package var rule: Int
        package var ruleName: String?
        /// From 0.
        package var match: Int
        /// The match in words.
        package var matched: String
        package var filters: [String] = []
        package var backends: [Backend] = []
        package var timeouts: [String] = []
        package var retries: String = ""

        package init(kind: String, name: String, rule: Int, ruleName: String?, match: Int, matched: String) {
            self.kind = kind
            self.name = name
            self.rule = rule
            self.ruleName = ruleName
            self.match = match
            self.matched = matched
        }
    }

    /// An endpoint that the request may go to.
    package struct Endpoint: Codable, Hashable, Sendable {
        /// `NAMESPACE/NAME`.
        package var name: String
        package var address: String
        package var isTunnel: Bool
        /// Whether its own policies let the waypoint in.
        package var isAllowed: Bool
        /// What they say, the verdict last.
        package var policies: [String]

        package init(name: String, address: String, isTunnel: Bool, isAllowed: Bool, policies: [String]) {
            self.name = name
            self.address = address
            self.isTunnel = isTunnel
            self.isAllowed = isAllowed
            self.policies = policies
        }
    }

    /// Something that rules of traffic say of the request.
    package struct TrafficRule: Codable, Hashable, Sendable {
        /// The kind of resource that says so.
        package enum Source: String, Codable, Hashable, Sendable {
            case trafficGuard = "TrafficGuard"
            case destinationRule = "DestinationRule"
        }

        package var source: Source
        /// For whom it is said: `NAMESPACE/HOSTNAME`, with a port where it is about one.
        package var service: String
        package var line: String

        package init(_ source: Source, _ service: String, _ line: String) {
            self.source = source
            self.service = service
            self.line = line
        }
    }

    /// What the caller gets that no endpoint has said.
    package struct Answer: Codable, Hashable, Sendable {
        package var status: UInt16
        package var body: String
        /// `response_flags` of the log.
        package var flag: String
        /// `response_code_details` of the log.
        package var details: String
        /// Where a redirect leads.
        package var location: String?

        package init(status: UInt16, body: String, flag: String, details: String, location: String? = nil) {
            self.status = status
            self.body = body
            self.flag = flag
            self.details = details
            self.location = location
        }
    }

    /// `NAMESPACE/NAME`.
    package var waypoint: String
    /// What policies of the waypoint's own pod say of the connection, the verdict last.
    package var connection: [String] = []
    /// `nil`: the connection never came to a request.
    package var request: Request?
    /// About the request's token; `nil`: no policy is about tokens.
    package var token: String?
    package var policies: [Policy] = []
    package var verdict: Verdict?
    package var traffic: [TrafficRule] = []
    package var route: Route?
    /// What routes say, in a sentence.
    package var routing: String = ""
    /// Where no rule matches: what keeps each of them from it.
    package var misses: [String] = []
    package var endpoints: [Endpoint] = []
    /// `nil`: an endpoint answers.
    package var answer: Answer?
    package var notes: [String] = []

    package init(waypoint: String) { self.waypoint = waypoint }

    /// An endpoint answers, or we do and it is no error.
    package var isAllowed: Bool { answer.map { (200..<400).contains($0.status) } ?? true }
}
