/// A request to the admin server, read in full.
package struct AdminRequest: Sendable {
    /// Other methods are refused before they reach a route.
    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    package let method: Method
    /// Without the query; starts with a slash.
    package let path: String
    /// What stands behind the first `?`, undecoded; empty without one.
    package let query: String
    /// Names in lower case; of repeated ones the first.
    package let headers: [String: String]
    package let body: [UInt8]

    package init(
        method: Method, path: String, query: String = "", headers: [String: String] = [:], body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The items of the query, percent-decoded, in order. `a` is a name with an empty value.
    package var queryItems: [(name: String, value: String)] {
        query.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.percentDecoded(parts[0]), parts.count > 1 ? Self.percentDecoded(parts[1]) : "")
        }
    }

    /// A wrong escape stays as it is; bytes that are no UTF-8 are replaced.
    private static func percentDecoded(_ text: Substring) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2 else {
                result.append(byte)
                continue
            }
            let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
            guard digits.count == 2 else {
                result.append(byte)
                continue
            }
            rest = rest.dropFirst(2)
            result.append(UInt8(digits[0] * 16 + digits[1]))
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The answer of a route.
package struct AdminResponse: Sendable {
    package let status: Int
    package let contentType: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package init(
        status: Int = 200, contentType: String = "text/plain; charset=utf-8",
        headers: [(name: String, value: String)] = [], body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    /// Plain text.
    package static func text(_ text: String, status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, body: Array(text.utf8))
    }

    /// JSON that is already encoded.
    package static func json(_ body: [UInt8], status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", body: body)
    }
}

/// One path of the admin server.
package struct AdminRoute: Sendable {
    /// Runs in a task of its own, cancelled when the client goes away.
    package typealias Handler = @Sendable (AdminRequest) async -> AdminResponse

    /// Exact, or everything below when it ends in `/*`.
    package let path: String
    /// Others are answered 405. HEAD comes with GET.
    package let methods: Set<AdminRequest.Method>
    /// What a 405 says beside the allowed methods.
    package let usage: String
    package let handle: Handler

    package init(
        _ path: String, methods: Set<AdminRequest.Method> = [.get], usage: String = "", handle: @escaping Handler
    ) {
        self.path = path
        self.methods = methods.contains(.get) ? methods.union([.head]) : methods
        self.usage = usage
        self.handle = handle
    }

    /// All methods we know.
    package static let anyMethod: Set<AdminRequest.Method> = [.get, .head, .post, .put, .delete]
}
