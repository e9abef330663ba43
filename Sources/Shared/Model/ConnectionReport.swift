/// What nodes do with a connection, and why.
package struct ConnectionReport: Codable, Hashable, Sendable {
    /// One end.
    package struct Party: Codable, Hashable, Sendable {
        /// `NAMESPACE/NAME`.
        package var name: String
        package var address: String
        package var identity: String

        package init(name: String, address: String, identity: String) {
            self.name = name
            self.address = address
            self.identity = identity
        }
    }

    /// How the connection leaves the caller's node.
    package enum Way: String, Codable, Hashable, Sendable {
        /// In HBONE to the waypoint of what is called.
        case waypoint
        /// In HBONE to the workload itself.
        case tunnel
        /// As it is.
        case plain
        case refused
    }

    package var source: Party
    /// `NAMESPACE/HOSTNAME`; `nil` when a workload is called by its own address.
    package var service: String?
    /// What the caller dials.
    package var destination: String
    package var way: Way
    /// The waypoint, or the workload; of a service with several endpoints one of them.
    package var hop: Party?
    /// `NAMESPACE/NAME` of the waypoint that the connection has to go through.
    package var waypoint: String?
    /// Why the node refuses it.
    package var failure: String?
    /// What the policies at the destination say, the verdict last. Empty where a waypoint comes first.
    package var policies: [String] = []
    package var isAllowed: Bool
    /// What else should be known.
    package var notes: [String] = []

    package init(source: Party, destination: String, way: Way, isAllowed: Bool) {
        self.source = source
        self.destination = destination
        self.way = way
        self.isAllowed = isAllowed
    }
}

extension ConnectionReport {
    /// For people; never parsed.
    package var text: ReportText {
        var text = ReportText()
        text.add("from", ["\(source.name), \(source.address), \(source.identity)"])
        text.add("to", [service.map { "\($0), \(destination)" } ?? destination])
        text.add("node", [sentence] + notes)
        text.add("policy", policies)
        return text
    }

    private var sentence: String {
        let to = hop.map { "\($0.name) at \($0.address)" } ?? destination
        switch way {
        case .waypoint: return "in HBONE to waypoint \(waypoint ?? ""), which is ready: \(to), \(hop?.identity ?? "")"
        case .tunnel: return "in HBONE to \(to), \(hop?.identity ?? "")"
        case .plain: return "in plain TCP to \(to)"
        case .refused: return "refused: \(failure ?? "")"
        }
    }
}

/// Sections of words under each other.
package struct ReportText: Hashable, Sendable {
    private var sections: [(title: String, lines: [String])] = []

    package init() {}

    /// Adds a section; one without lines is left out.
    package mutating func add(_ title: String, _ lines: [String]) {
        if !lines.isEmpty { sections.append((title, lines)) }
    }

    package mutating func add(_ other: ReportText) { sections += other.sections }

    /// Every line begins with its section's title, or with as much space.
    package var lines: [String] {
        let width = (sections.map(\.title.count).max() ?? 0) + 2
        return sections.flatMap { section in
            section.lines.enumerated().map { index, line in
                let title = index == 0 ? section.title : ""
                return title + String(repeating: " ", count: width - title.count) + line
            }
        }
    }

    package static func == (left: ReportText, right: ReportText) -> Bool { left.lines == right.lines }

    package func hash(into hasher: inout Hasher) { hasher.combine(lines) }
}
