import HBONE
import MeshModel
import Testing
import WaypointHTTP2
import WaypointRoute

@Suite struct MessageHeadTests {
    @Test func aRequestKeepsItsMeaningBothWays() throws {
        let head = HTTP2RequestHead(
            method: "POST", scheme: "https", authority: "Web.shop:8080", path: "/a/b?c=d",
            fields: HeaderLines([("te", "trailers"), ("content-type", "application/grpc")]))
        let request = try RequestHead(head)
        #expect(request.isGRPC && request.authority.port == 8080)
        #expect(request.path.query?.elementsEqual("c=d".utf8) == true)
        #expect(HTTP2RequestHead(request) == head)
    }

    @Test func thePathIsMadePlainOnce() throws {
        let head = HTTP2RequestHead(method: "GET", authority: "a", path: "/x/../b%61r")
        #expect(try HTTP2RequestHead(RequestHead(head)).path.elementsEqual("/bar".utf8))
    }

    @Test(arguments: [
        (HTTP2RequestHead(method: "get", authority: "a", path: "/"), RequestError.method),
        (HTTP2RequestHead(method: "GET", scheme: "ftp", authority: "a", path: "/"), .scheme),
        (HTTP2RequestHead(method: "GET", authority: "a:0", path: "/"), .authority),
        (HTTP2RequestHead(method: "GET", authority: "a", path: "/%zz"), .escape),
    ])
    func whatNoRouteCanLookAtIsRefused(_ head: HTTP2RequestHead, _ error: RequestError) {
        #expect(throws: error) { _ = try RequestHead(head) }
    }

    @Test func fieldsOfAConnectionStayBehind() {
        let list = HeaderList([
            ("Connection", "close"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"),
            ("HTTP2-Settings", "x"), ("Proxy-Connection", "close"), ("Host", "a"), ("TE", "gzip, trailers"),
            ("X", "y"), ("Authorization", "secret"),
        ])
        #expect(
            list.http2Lines == HeaderLines([("te", "trailers"), ("x", "y"), ("authorization", "secret")]))
        #expect(HeaderList([("TE", "gzip")]).http2Lines.isEmpty)
    }

    @Test func whatASenderKeepsOutOfTablesStaysSoOnTheNextHop() throws {
        var fields = HeaderLines([("x-a", "b"), ("upgrade", "h2c")])
        fields.append(name: Array("x-key".utf8)[...], value: Array("secret".utf8)[...], isNeverIndexed: true)
        let head = HTTP2RequestHead(method: "GET", authority: "a", path: "/", fields: fields)
        let next = try HTTP2RequestHead(RequestHead(head)).fields
        #expect(next == HeaderLines([("x-a", "b"), ("x-key", "secret")]))
        #expect(next.places.map(\.isNeverIndexed) == [false, true])
    }
}
