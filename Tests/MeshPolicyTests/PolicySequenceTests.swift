import MeshModel
import Testing

@testable import MeshPolicy

@Suite("Policies found by the path that they name")
struct PolicySequenceTests {
    private func policy(_ name: String, _ paths: String..., more: [Term] = [], not: Bool = false) -> RequestPolicy {
        let test = RequestPolicy.Test.paths(paths.map { .text(.exact($0)) })
        return .make(name, .deny, more + [Term(test, isNegated: not)])
    }

    private func match(_ policies: [RequestPolicy], path: String) -> String? {
        PolicySequence(policies).firstMatch(Asked.with { $0.path = path }.facts)?.policy
    }

    @Test("a request looks at the policies of its path and at those that name none")
    func flat() {
        var policies = (0..<1000).map { policy("p\($0)", "/other/\($0)", more: [Term(.methods([.exact("GET")]))]) }
        policies.append(.make("any", .deny, [Term(.methods([.exact("POST")]))]))
        let sequence = PolicySequence(policies)
        #expect(sequence.count(lookedAtFor: ArraySlice("/other/7".utf8)) == 2)
        #expect(sequence.count(lookedAtFor: ArraySlice("/elsewhere".utf8)) == 1)
        #expect(match(policies, path: "/other/999") == "shop/p999")
        #expect(match(policies, path: "/elsewhere") == nil)
    }

    @Test("the first in their order decides, whether it names a path or not")
    func order() {
        let (named, any) = (policy("a", "/x"), RequestPolicy.make("b", .deny, [Term(.methods([.exact("GET")]))]))
        #expect(match([named, any], path: "/x") == "shop/a")
        #expect(match([any, named], path: "/x") == "shop/b")
        #expect(match([named, any], path: "/y") == "shop/b")
    }

    @Test("what does not name each of its paths exactly is always looked at")
    func others() {
        let prefix = RequestPolicy.make("a", .deny, [Term(.paths([.text(.exact("/x")), .text(.prefix("/y"))]))])
        #expect(match([prefix], path: "/yes") == "shop/a")
        #expect(match([policy("a", "/x", not: true)], path: "/y") == "shop/a")
        var rules = policy("a", "/x")
        rules.rules.append(.everything)
        #expect(match([rules], path: "/y") == "shop/a")
        var clauses = policy("a", "/x")
        clauses.rules[0].clauses[0].matches.append(.init(terms: [Term(.methods([.exact("GET")]))]))
        #expect(match([clauses], path: "/y") == "shop/a")
    }

    @Test("paths are bytes: two ways to write one letter are two paths")
    func bytes() {
        let both = policy("a", "/caf\u{e9}", "/cafe\u{301}")
        #expect(match([both], path: "/caf\u{e9}") == "shop/a" && match([both], path: "/cafe\u{301}") == "shop/a")
        #expect(match([policy("a", "/caf\u{e9}")], path: "/cafe\u{301}") == nil)
    }
}
