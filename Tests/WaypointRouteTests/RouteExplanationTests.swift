import MeshModel
import Testing
import WaypointRoute

@Suite("Why a request gets its rule")
struct RouteExplanationTests {
    private func table() throws -> RouteTable {
        let rules: [[HTTPMatch]] = [
            [try HTTPMatch(.exact("/one"))],
            [
                try HTTPMatch(.prefix("/two"), .get, headers: [("version", "two")]),
                try HTTPMatch(.prefix("/two"), .post),
            ],
        ]
        return Make.table(
            try rules.enumerated().map { number, matches in
                try HTTPRouteRule(
                    origin: Make.origin("r", rule: number), matches: matches, behaviour: Make.forward("v\(number)"))
            })
    }

    @Test("the match that held is named, by the same search")
    func matched() throws {
        let table = try table()
        let index = RouteIndex(table)
        for (path, version, rule, match, words) in [
            ("/one", nil, 0, 0, "path /one"),
            ("/two/x", "two", 1, 0, "path below /two, method GET, header version \"two\""),
        ] as [(String, String?, Int, Int, String)] {
            let head = try Make.head(path, version.map { [("version", $0)] } ?? [])
            let found = index.explain(head, in: table)
            #expect(found.outcome == index.match(head))
            #expect(found.match == match && found.matched == words && found.misses.isEmpty, "\(found)")
            guard case .matched(let hit) = found.outcome else { continue }
            #expect(hit.ruleIndex == rule)
        }
    }

    @Test("where none holds, each says what keeps it from it")
    func unmatched() throws {
        let table = try table()
        let index = RouteIndex(table)
        let other = index.explain(try Make.head("/two", [("version", "one")]), in: table)
        #expect(other.outcome == .unmatched && other.match == nil)
        let text = Set(other.misses.map { $0.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? "" })
        #expect(text == ["expected path /one", "expected header version \"two\"", "expected method POST"])
        let missing = index.explain(try Make.head("/two"), in: table)
        #expect(missing.misses.contains { $0.hasSuffix("rule 1, match 0: header version is missing") })
        let unrouted = Make.table([])
        #expect(RouteIndex(unrouted).explain(try Make.head("/"), in: unrouted).misses.isEmpty)
    }
}
