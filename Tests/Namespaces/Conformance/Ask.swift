import Foundation

/// One request of a conformance test.
struct Ask: Encodable {
    var address: String
    var port: Int
    var host: String
    var method = "GET"
    var path: String
    var headers: [[String]] = []
    var body: String?

    /// To a service of the suite by its name; the host is the service's unless it is told.
    init(
        _ path: String, _ service: String = "echo", port: Int = 80, host: String? = nil, method: String = "GET",
        headers: [(String, String)] = [], body: String? = nil
    ) {
        self.address = ConformanceMesh.services[service] ?? service
        self.port = port
        self.host = host ?? service
        self.method = method
        self.path = path
        self.headers = headers.map { [$0.0, $0.1] }
        self.body = body
    }
}

/// What came of it.
struct Answer: Decodable, CustomStringConvertible {
    /// 0: no answer at all.
    let status: Int
    let headers: [[String]]
    let body: String
    let error: String?

    /// What the endpoint saw.
    struct Seen: Decodable {
        let pod: String
        let method: String
        let path: String
        let host: String
        let headers: [[String]]

        func header(_ name: String) -> String? { joined(headers, name) }
    }

    /// `nil` when no endpoint answered.
    var seen: Seen? { try? JSONDecoder().decode(Seen.self, from: Data(body.utf8)) }

    func header(_ name: String) -> String? { joined(headers, name) }

    var description: String { "\(status) \(headers) \(body.prefix(600)) \(error ?? "")" }
}

/// All values of a field, as one.
private func joined(_ headers: [[String]], _ name: String) -> String? {
    let values = headers.filter { $0.first == name.lowercased() }.compactMap { $0.dropFirst().first }
    return values.isEmpty ? nil : values.joined(separator: ",")
}

/// A request, and what must be true of its answer.
struct Expectation {
    let ask: Ask
    let problem: (Answer) -> String?

    init(_ ask: Ask, _ problem: @escaping (Answer) -> String?) {
        self.ask = ask
        self.problem = problem
    }

    /// 200 from this pod.
    static func reaches(_ pod: String, _ ask: Ask) -> Expectation {
        Expectation(ask) { answer in
            guard answer.status == 200 else { return "expected 200" }
            guard answer.seen?.pod == pod else { return "expected the pod \(pod)" }
            return nil
        }
    }

    static func status(_ status: Int, _ ask: Ask) -> Expectation {
        Expectation(ask) { $0.status == status ? nil : "expected status \(status)" }
    }

    /// A redirect to this place.
    static func redirect(_ status: Int, _ location: String, _ ask: Ask) -> Expectation {
        Expectation(ask) { answer in
            guard answer.status == status else { return "expected status \(status)" }
            return answer.header("location") == location ? nil : "expected location \(location)"
        }
    }

    /// The endpoint saw these fields; `nil`: it did not see one of that name.
    func seeing(_ fields: [String: String?], path: String? = nil, host: String? = nil) -> Expectation {
        Expectation(ask) { [problem] answer in
            if let problem = problem(answer) { return problem }
            guard let seen = answer.seen else { return "expected an endpoint's answer" }
            for (name, value) in fields where seen.header(name) != value {
                let found = seen.header(name) ?? "nothing"
                return "expected the endpoint to see \(name): \(value ?? "nothing"), found \(found)"
            }
            if let path, seen.path != path { return "expected path \(path)" }
            if let host, seen.host != host { return "expected host \(host)" }
            return nil
        }
    }

    /// The answer has these fields; `nil`: none of that name.
    func answering(_ fields: [String: String?]) -> Expectation {
        Expectation(ask) { [problem] answer in
            if let problem = problem(answer) { return problem }
            for (name, value) in fields where answer.header(name) != value {
                return "expected \(name): \(value ?? "nothing"), found \(answer.header(name) ?? "nothing")"
            }
            return nil
        }
    }
}
