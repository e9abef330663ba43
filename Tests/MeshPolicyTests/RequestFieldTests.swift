import MeshModel
import MeshPolicy
import Testing

/// A text as it is written in a policy.
func text(_ written: String) throws -> Text { try #require(Text(written), "\(written)") }

@Suite("Single fields of a request")
struct RequestFieldTests {
    struct Case: Sendable, CustomStringConvertible {
        let written: String
        let actual: String
        let holds: Bool

        init(_ written: String, _ actual: String, _ holds: Bool) {
            (self.written, self.actual, self.holds) = (written, actual, holds)
        }

        var description: String { "\(written) on \(actual)" }
    }

    @Test(
        "hosts compare the authority with its port, without regard to case",
        arguments: [
            Case("api.shop", "api.shop", true), Case("API.Shop", "api.shop", true), Case("api.shop", "API.SHOP", true),
            Case("api.shop", "api.shop:80", false), Case("api.shop:80", "api.shop:80", true),
            Case("api.shop:*", "api.shop:8080", true), Case("api.*", "API.shop", true),
            Case("*.shop", "a.b.SHOP", true),
            Case("*.shop", "shop", false), Case("*.shop", "api.shop.evil", false), Case("*", "x", true),
            Case("*", "", false), Case("api.shop", "api.shop.", false), Case("a.shop", "aXshop", false),
        ])
    func hosts(_ row: Case) throws {
        let asked = Asked.with { $0.authority = row.actual }
        #expect(try asked.holds(.hosts([text(row.written)])) == row.holds)
    }

    @Test(
        "methods compare exactly",
        arguments: [
            Case("GET", "GET", true), Case("GET", "get", false), Case("get", "GET", false), Case("P*", "POST", true),
            Case("*T", "GET", true), Case("*", "PURGE", true), Case("GET", "GETT", false),
        ])
    func methods(_ row: Case) throws {
        let asked = Asked.with { $0.method = row.actual }
        #expect(try asked.holds(.methods([text(row.written)])) == row.holds)
    }

    @Test(
        "paths compare the plain path, case-sensitive, without query and fragment",
        arguments: [
            Case("/orders", "/orders", true), Case("/orders", "/Orders", false), Case("/orders", "/orders/", false),
            Case("/orders*", "/orders/7", true), Case("/orders*", "/ordersX", true), Case("*/7", "/orders/7", true),
            Case("*", "/", true), Case("*", "", false), Case("/a+b", "/a+b", true), Case("/a.b", "/aXb", false),
            Case("/a%2fb", "/a%2fb", true), Case("/a/b", "/a%2fb", false), Case("/a%2fb", "/a%2Fb", false),
            Case("/a", "/a?b=c", true), Case("/a", "/a#b", true), Case("/a", "/a#?b", true),
            Case("*c", "/a?b=c", false),
            Case("*", "*", true), Case("/a;x", "/a;x", true), Case("/a", "/a;x", false),
        ])
    func paths(_ row: Case) throws {
        let asked = Asked.with { $0.path = row.actual }
        let match = try #require(RequestPolicy.PathMatch(row.written))
        #expect(asked.holds(.paths([match])) == row.holds)
    }

    @Test(
        "path templates match segment by segment",
        arguments: [
            Case("/foo/{*}", "/foo/bar", true), Case("/foo/{*}", "/foo/bar/baz", false),
            Case("/foo/{*}", "/foo/", false), Case("/foo/{*}", "/foo", false), Case("/foo/{*}", "/foo/bar/", false),
            Case("/foo/{*}/", "/foo/bar/", true), Case("/foo/{*}/", "/foo/bar", false),
            Case("/{*}/bar", "/foo/bar", true), Case("/{*}/bar", "//bar", false),
            Case("/foo/{**}", "/foo/", true), Case("/foo/{**}", "/foo", false), Case("/foo/{**}", "/foo/a/b", true),
            Case("/foo/{**}/", "/foo/bar/", true), Case("/foo/{**}/", "/foo//", true),
            Case("/foo/{**}/", "/foo/bar", false), Case("/foo/{**}/", "/foo/", false),
            Case("/foo/{**}/end", "/foo/a/b/end", true), Case("/foo/{**}/end", "/foo/end", false),
            Case("/foo/{**}/end", "/foo/a/bend", false), Case("/foo/{**}/a/b", "/foo/x/a/b", true),
            Case("/foo/{*}/bar/{**}", "/foo/buzz/bar/", true), Case("/foo/{*}/bar/{**}", "/foo/buzz/bar/baz", true),
            Case("/foo/{*}/bar/{**}", "/foo/buzz/bar", false), Case("/{**}", "/", true), Case("/{**}", "*", false),
            Case("/foo/{*}", "/foo/b%2fr", true), Case("/a.b/{*}", "/aXb/c", false),
            Case("/foo/{*}", "/foo/x?a/b", true),
            Case("/foo/{*}", "xfoo/a", false), Case("/foo/{*}", "/Foo/a", false), Case("/foo/{*}", "/foo/x\"y", true),
        ])
    func templates(_ row: Case) throws {
        let asked = Asked.with { $0.path = row.actual }
        let match = try #require(RequestPolicy.PathMatch(row.written))
        #expect(asked.holds(.paths([match])) == row.holds)
    }

    @Test("a template that ends in {**}/ may match a path without a slash at its end: closed both ways")
    func ambiguousTemplate() throws {
        let asked = Asked.with { $0.path = "/foo/bar/baz.txt" }
        let match = try #require(RequestPolicy.PathMatch("/foo/{**}/"))
        #expect(!asked.isAllowed(by: .paths([match])) && !asked.isAllowed(by: .paths([match]), not: true))
        #expect(asked.isDenied(by: .paths([match])) && asked.isDenied(by: .paths([match]), not: true))
    }

    @Test(
        "headers compare values case-sensitive, without the white space around them",
        arguments: [
            Case("admin", "admin", true), Case("admin", "Admin", false), Case("admin", " admin\t", true),
            Case("admin", "a dmin", false), Case("adm*", "admin", true), Case("*min", "admin", true),
            Case("*", "x", true), Case("*", "", true), Case("a,b", "a,b", true), Case("a", "a,b", false),
        ])
    func headers(_ row: Case) throws {
        let asked = Asked.with { $0.headers = [("X-Role", row.actual), ("X-Other", "other")] }
        #expect(try asked.holds(.header(name: "x-role", [text(row.written)])) == row.holds)
    }

    @Test("a missing header matches nothing, and its negation always")
    func missingHeader() throws {
        for written in ["*", "a", "a*", "*a"] {
            #expect(try Asked().holds(.header(name: "x-role", [text(written)])) == false)
        }
    }

    @Test("the authority is the Host field, too")
    func hostHeader() throws {
        for name in [":authority", "host"] {
            #expect(try Asked().holds(.header(name: name, [text("api.shop")])) == true)
        }
        #expect(try Asked().holds(.header(name: ":method", [text("GET")])) == true)
        let forged = Asked.with { $0.headers = [("host", "evil"), (":authority", "evil")] }
        #expect(try forged.holds(.header(name: "host", [text("evil")])) == false)
    }

    @Test(
        "the server name is compared without regard to case, and none matches nothing",
        arguments: [
            Case("api.shop", "API.shop", true), Case("*.shop", "api.shop", true), Case("*", "a", true),
            Case("*", "", false), Case("api.shop", "api.shop.", false),
        ])
    func serverName(_ row: Case) throws {
        #expect(try Asked.with { $0.serverName = row.actual }.holds(.serverNames([text(row.written)])) == row.holds)
        #expect(try Asked().holds(.serverNames([text(row.written)])) == false)
    }
}
