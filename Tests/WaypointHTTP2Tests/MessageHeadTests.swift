import HBONE
import MeshModel
import Testing
import WaypointHTTP2
import WaypointRoute

@Suite struct MessageHeadTests {
    @Test func aRequestKeepsItsMeaningBothWays() throws {
        let head = HTTP2RequestHead(
            method: "POST", scheme: "https", authority: "Web.shop:8080", path: "/a/b?c=d",
            fields: [HTTP2Field("te", "trailers"), HTTP2Field("content-type", "application/grpc")])
        let request = try RequestHead(head)
        #expect(request.isGRPC && request.authority.port == 8080)
        #expect(request.path.query?.elementsEqual("c=d".utf8) == true)
        #expect(HTTP2RequestHead(request) == head)
    }

    @Test func thePathIsMadePlainOnce() throws {
        let head = HTTP2RequestHead(method: "GET", authority: "a", path: "/x/../b%61r")
        #expect(try HTTP2RequestHead(RequestHead(head)).path == "/bar")
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
        #expect(list.http2Fields == [
            HTTP2Field("te", "trailers"), HTTP2Field("x", "y"),
            HTTP2Field("authorization", "secret", isNeverIndexed: true),
        ])
        #expect(HeaderList([("TE", "gzip")]).http2Fields.isEmpty)
    }

    @Test func trailersCannotChangeWhatWasSaidBefore() {
        let trailers = [
            HTTP2Field("grpc-status", "0"), HTTP2Field("content-length", "5"), HTTP2Field("host", "b"),
            HTTP2Field("authorization", "x"),
        ]
        #expect(HeaderList(trailers: trailers) == HeaderList([("grpc-status", "0")]))
    }
}
