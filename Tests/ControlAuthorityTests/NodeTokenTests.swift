import ControlAuthority
import Foundation
import Testing

@Suite("Node tokens")
struct NodeTokenTests {
    @Test("each node gets its own token in a file of its own, readable by the owner only")
    func perNode() throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        #expect(try tokens.ensure(["one", "two.example"]) == [])
        let one = try scratch.text("tokens/one").trimmingCharacters(in: .whitespacesAndNewlines)
        let two = try scratch.text("tokens/two.example").trimmingCharacters(in: .whitespacesAndNewlines)
        // 256 bits in base64url.
        #expect(one.count == 43)
        #expect(one.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        #expect(one != two)
        #expect(try scratch.mode("tokens/one") == 0o600)
        #expect(try scratch.mode("tokens") == 0o700)
        #expect(tokens.node(presenting: one) == "one")
        #expect(tokens.node(presenting: two) == "two.example")
    }

    @Test("a service account has a token that is no node's, whatever the names")
    func accounts() throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        let account = TokenHolder.Account(namespace: "shop", name: "way.point")
        #expect(try tokens.ensure(["shop.way.point"]) == [])
        #expect(try tokens.ensure(accounts: [account]) == [])
        let own = try scratch.text("account-tokens/shop.way.point").trimmingCharacters(in: .whitespacesAndNewlines)
        let node = try scratch.text("tokens/shop.way.point").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(tokens.holder(presenting: own) == .account(account))
        #expect(tokens.node(presenting: own) == nil)
        #expect(tokens.holder(presenting: node) == .node("shop.way.point"))
        #expect(try scratch.mode("account-tokens/shop.way.point") == 0o600)
        #expect(try tokens.ensure(accounts: [.init(namespace: "shop", name: "../x")]) == ["shop.../x"])
    }

    @Test("what is no token is nobody's")
    func unknown() throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        _ = try tokens.ensure(["one"])
        let one = try scratch.text("tokens/one").trimmingCharacters(in: .whitespacesAndNewlines)
        for text in ["", "one", String(one.dropLast()), one + "A", one.lowercased()] {
            #expect(tokens.node(presenting: text) == nil)
        }
    }

    @Test("a later start and a second call keep the tokens")
    func kept() throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        _ = try tokens.ensure(["one"])
        let before = try scratch.text("tokens/one")
        _ = try tokens.ensure(["one", "two"])
        let again = try NodeTokens(.stateDirectory, state: scratch.state)
        #expect(try scratch.text("tokens/one") == before)
        #expect(again.node(presenting: before.trimmingCharacters(in: .newlines)) == "one")
    }

    @Test("removing the file revokes the token at once")
    func revoked() throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        _ = try tokens.ensure(["one"])
        let one = try scratch.text("tokens/one").trimmingCharacters(in: .newlines)
        #expect(tokens.node(presenting: one) == "one")
        try FileManager.default.removeItem(atPath: scratch.path + "/tokens/one")
        #expect(tokens.node(presenting: one) == nil)
    }

    @Test("names that would leave the directory get no file",
        arguments: ["../evil", "a/b", "", ".hidden", "UPPER", "-x"])
    func badNames(name: String) throws {
        let scratch = try Scratch()
        let tokens = try NodeTokens(.stateDirectory, state: scratch.state)
        #expect(try tokens.ensure([name]) == [name])
        #expect(try scratch.state.list("tokens") == [])
    }

    @Test("a list from outside is used instead, and no tokens are made")
    func external() throws {
        let scratch = try Scratch()
        try scratch.write("list", "# nodes\none aaaaaaaaaaaaaaaaaaaa\n\ntwo\tbbbbbbbbbbbbbbbbbbbb\n")
        let tokens = try NodeTokens(.file(path: scratch.path + "/list"), state: scratch.state)
        #expect(tokens.node(presenting: "bbbbbbbbbbbbbbbbbbbb") == "two")
        #expect(try tokens.ensure(["three"]) == [])
        #expect(!scratch.state.exists("tokens"))
    }

    @Test("a list with a short token, a wrong line, or open to others is refused")
    func badLists() throws {
        let scratch = try Scratch()
        for text in ["one short", "one", "one aaaaaaaaaaaaaaaaaaaa more"] {
            try scratch.write("list", text)
            #expect(throws: AuthorityError.self) {
                try NodeTokens(.file(path: scratch.path + "/list"), state: scratch.state)
            }
        }
        try scratch.write("list", "one aaaaaaaaaaaaaaaaaaaa", mode: 0o644)
        #expect(throws: AuthorityError.readableByOthers(path: scratch.path + "/list", mode: 0o644)) {
            try NodeTokens(.file(path: scratch.path + "/list"), state: scratch.state)
        }
    }
}
