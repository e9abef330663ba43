package import MeshModel

/// An answer that the waypoint gives itself. It has no body.
package struct RouteAnswer: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// Routes are attached and none matches.
        case notFound
        case redirect
        case preflight
        /// No back end has a weight.
        case noBackend
        case invalidBackend(InvalidBackend)
        case refused(RouteFault)
    }

    package let cause: Cause
    package let status: UInt16
    package let headers: HeaderList

    package init(cause: Cause, status: UInt16, headers: HeaderList = HeaderList()) {
        self.cause = cause
        self.status = status
        self.headers = headers
    }

    /// A failure, in the language of the caller: a status of HTTP, or 200 with a status of gRPC.
    /// - Parameter headers: fields besides.
    package static func failure(
        _ cause: Cause, for head: RequestHead, headers: HeaderList = HeaderList()
    ) -> RouteAnswer {
        let isNotFound = cause == .notFound
        guard head.isGRPC else { return RouteAnswer(cause: cause, status: isNotFound ? 404 : 500, headers: headers) }
        var headers = headers
        headers.append(name: "content-type".utf8, value: "application/grpc".utf8)
        headers.append(name: "grpc-status".utf8, value: (isNotFound ? "12" : "14").utf8)
        headers.append(name: "grpc-message".utf8, value: (isNotFound ? "no route" : "no back end").utf8)
        return RouteAnswer(cause: cause, status: 200, headers: headers)
    }
}
