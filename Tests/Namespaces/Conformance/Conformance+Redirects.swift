import MeshTesting
import Testing

/// Redirects and rewrites.
extension Conformance {
    private static func redirect(_ path: String, _ body: String) -> String {
        "- matches: [ { path: { value: \(path) } } ]\n"
            + "  filters: [ { type: RequestRedirect, requestRedirect: { \(body) } } ]"
    }

    private static func to(_ path: String, _ status: Int, _ location: String) -> Expectation {
        .redirect(status, location, Ask(path))
    }

    @Test("MeshHTTPRouteRedirectHostAndStatus, HTTPRouteRedirectHostAndStatus")
    func redirectHostAndStatus() async throws {
        try await conforming { mesh in
            let rules = [
                Self.redirect("/hostname-redirect", "hostname: example.org"),
                Self.redirect("/host-and-status", "hostname: example.org, statusCode: 301"),
            ]
            try await mesh.check([Self.route("redirect", rules.joined(separator: "\n"))], [
                Self.to("/hostname-redirect", 302, "http://example.org/hostname-redirect"),
                Self.to("/host-and-status", 301, "http://example.org/host-and-status"),
            ])
        }
    }

    @Test("MeshHTTPRouteRedirectPath, HTTPRouteRedirectPath")
    func redirectPath() async throws {
        try await conforming { mesh in
            let prefix = "path: { type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix }"
            let full = "path: { type: ReplaceFullPath, replaceFullPath: /replacement-full }"
            let rules = [
                Self.redirect("/original-prefix", prefix), Self.redirect("/full", full),
                Self.redirect("/path-and-host", "hostname: example.org, \(prefix)"),
                Self.redirect("/path-and-status", "statusCode: 301, \(prefix)"),
                Self.redirect("/full-path-and-host", "hostname: example.org, \(full)"),
                Self.redirect("/full-path-and-status", "statusCode: 301, \(full)"),
            ]
            try await mesh.check([Self.route("redirect", rules.joined(separator: "\n"))], [
                Self.to("/original-prefix/lemon", 302, "http://echo/replacement-prefix/lemon"),
                Self.to("/full/path/original", 302, "http://echo/replacement-full"),
                Self.to("/path-and-host/lemon", 302, "http://example.org/replacement-prefix/lemon"),
                Self.to("/path-and-status/lemon", 301, "http://echo/replacement-prefix/lemon"),
                Self.to("/full-path-and-host/lemon", 302, "http://example.org/replacement-full"),
                Self.to("/full-path-and-status/lemon", 301, "http://echo/replacement-full"),
            ])
        }
    }

    @Test("MeshHTTPRouteRedirectPort, HTTPRouteRedirectPort")
    func redirectPort() async throws {
        try await conforming { mesh in
            let rules = [
                Self.redirect("/port", "port: 8083"),
                Self.redirect("/port-and-host", "hostname: example.org, port: 8083"),
                Self.redirect("/port-and-status", "statusCode: 301, port: 8083"),
                Self.redirect("/port-and-host-and-status", "hostname: example.org, statusCode: 302, port: 8083"),
            ]
            try await mesh.check([Self.route("redirect", rules.joined(separator: "\n"))], [
                Self.to("/port", 302, "http://echo:8083/port"),
                Self.to("/port-and-host", 302, "http://example.org:8083/port-and-host"),
                Self.to("/port-and-status", 301, "http://echo:8083/port-and-status"),
                Self.to("/port-and-host-and-status", 302, "http://example.org:8083/port-and-host-and-status"),
            ])
        }
    }

    @Test("MeshHTTPRouteSchemeRedirect, HTTPRouteRedirectScheme")
    func redirectScheme() async throws {
        try await conforming { mesh in
            let rules = [
                Self.redirect("/scheme", "scheme: https"),
                Self.redirect("/scheme-and-host", "hostname: example.org, scheme: https"),
                Self.redirect("/scheme-and-status", "statusCode: 301, scheme: https"),
                Self.redirect("/scheme-and-host-and-status", "hostname: example.org, statusCode: 302, scheme: https"),
            ]
            try await mesh.check([Self.route("redirect", rules.joined(separator: "\n"))], [
                Self.to("/scheme", 302, "https://echo/scheme"),
                Self.to("/scheme-and-host", 302, "https://example.org/scheme-and-host"),
                Self.to("/scheme-and-status", 301, "https://echo/scheme-and-status"),
                Self.to("/scheme-and-host-and-status", 302, "https://example.org/scheme-and-host-and-status"),
            ])
        }
    }

    @Test("MeshHTTPRoute303Redirect, MeshHTTPRoute307Redirect, MeshHTTPRoute308Redirect", arguments: [303, 307, 308])
    func redirectStatus(_ status: Int) async throws {
        try await conforming { mesh in
            let rule = Self.redirect("/elsewhere", "hostname: example.org, statusCode: \(status)")
            try await mesh.check([Self.route("redirect", rule)], [
                .redirect(status, "http://example.org/elsewhere", Ask("/elsewhere", method: "POST", body: "x"))
            ])
        }
    }

    @Test("HTTPRouteBackendRequestRedirect")
    func backendRedirect() async throws {
        try await conforming { mesh in
            let rules = """
                - matches: [ { path: { value: /backend-redirect } } ]
                  backendRefs:
                  - name: echo-v1
                    port: 80
                    filters: [ { type: RequestRedirect, requestRedirect: { hostname: example.org } } ]
                """
            try await mesh.check([Self.route("redirect", rules)], [
                Self.to("/backend-redirect", 302, "http://example.org/backend-redirect")
            ])
        }
    }

    private static func rewrite(_ path: String, _ body: String, more: String = "") -> String {
        "- matches: [ { path: { value: \(path) } } ]\n"
            + "  filters:\n  - { type: URLRewrite, urlRewrite: { \(body) } }\n\(more)  \(toV1)"
    }

    @Test("MeshHTTPRouteRewritePath, HTTPRouteRewritePath")
    func rewritePath() async throws {
        try await conforming { mesh in
            let headers = """
                  - type: RequestHeaderModifier
                    requestHeaderModifier:
                      set: [ { name: X-Header-Set, value: set-overwrites-values } ]
                      add: [ { name: X-Header-Add, value: add-appends-values } ]
                      remove: [ X-Header-Remove ]

                """
            let rules = [
                Self.rewrite("/prefix/one", "path: { type: ReplacePrefixMatch, replacePrefixMatch: /one }"),
                Self.rewrite("/strip-prefix", "path: { type: ReplacePrefixMatch, replacePrefixMatch: / }"),
                Self.rewrite("/full/one", "path: { type: ReplaceFullPath, replaceFullPath: /one }"),
                Self.rewrite(
                    "/full/rewrite-path-and-modify-headers", "path: { type: ReplaceFullPath, replaceFullPath: /test }",
                    more: headers),
                Self.rewrite(
                    "/prefix/rewrite-path-and-modify-headers",
                    "path: { type: ReplacePrefixMatch, replacePrefixMatch: /prefix }", more: headers),
            ]
            let sent = [("X-Header-Remove", "remove-val"), ("X-Header-Add", "add-val"), ("X-Header-Set", "set-val")]
            let seen = [
                "x-header-set": "set-overwrites-values", "x-header-add": "add-val,add-appends-values",
                "x-header-remove": nil,
            ]
            func reaching(_ path: String, _ rewritten: String) -> Expectation {
                .reaches("echo-v1", Ask(path)).seeing([:], path: rewritten)
            }
            try await mesh.check([Self.route("rewrite", rules.joined(separator: "\n"))], [
                reaching("/prefix/one/two", "/one/two"), reaching("/strip-prefix/three", "/three"),
                reaching("/strip-prefix", "/"), reaching("/full/one/two", "/one"),
                .reaches("echo-v1", Ask("/full/rewrite-path-and-modify-headers/test", headers: sent))
                    .seeing(seen, path: "/test"),
                .reaches("echo-v1", Ask("/prefix/rewrite-path-and-modify-headers/one", headers: sent))
                    .seeing(seen, path: "/prefix/one"),
            ])
        }
    }

    @Test("HTTPRouteRewriteHost")
    func rewriteHost() async throws {
        try await conforming { mesh in
            let rules = [
                Self.rewrite("/one", "hostname: one.example.org"), Self.rewrite("/", "hostname: example.org"),
            ]
            try await mesh.check([Self.route("rewrite", rules.joined(separator: "\n"))], [
                .reaches("echo-v1", Ask("/one", host: "rewrite.example")).seeing([:], host: "one.example.org"),
                .reaches("echo-v1", Ask("/two", host: "rewrite.example")).seeing([:], host: "example.org"),
            ])
        }
    }

    @Test("HTTPRouteBackendURLRewrite")
    func backendRewrite() async throws {
        try await conforming { mesh in
            func rule(_ path: String, _ body: String) -> String {
                "- matches: [ { path: { value: \(path) } } ]\n  backendRefs:\n  - name: echo-v1\n    port: 80\n"
                    + "    filters: [ { type: URLRewrite, urlRewrite: { path: { \(body) } } } ]"
            }
            let rules = [
                rule("/full/original", "type: ReplaceFullPath, replaceFullPath: /rewritten-full"),
                rule("/prefix", "type: ReplacePrefixMatch, replacePrefixMatch: /rewritten-prefix"),
            ]
            try await mesh.check([Self.route("rewrite", rules.joined(separator: "\n"))], [
                .reaches("echo-v1", Ask("/full/original")).seeing([:], path: "/rewritten-full"),
                .reaches("echo-v1", Ask("/prefix/original")).seeing([:], path: "/rewritten-prefix/original"),
            ])
        }
    }
}
