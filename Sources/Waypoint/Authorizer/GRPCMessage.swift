internal import MeshModel
internal import WaypointRoute

/// One call of gRPC with one message each way. Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md of gRPC).
enum GRPCMessage {
    /// Flag and length before each message.
    private static let prefixBytes = 5

    /// - Parameter timeoutNanoseconds: told to the server.
    static func question(
        _ path: StaticString, of target: RouteTarget, message: [UInt8], timeoutNanoseconds: Int64
    ) throws(ServiceFailure) -> ServiceQuestion {
        var headers = HeaderList()
        headers.append(name: "te".utf8, value: "trailers".utf8)
        headers.append(name: "content-type".utf8, value: "application/grpc".utf8)
        // Eight digits at most; milliseconds, and not less than one.
        let milliseconds = min(max(timeoutNanoseconds / 1_000_000, 1), 99_999_999)
        headers.append(name: "grpc-timeout".utf8, value: "\(milliseconds)m".utf8)
        let head: RequestHead
        do throws(RequestError) {
            head = RequestHead(
                method: .known(.post), scheme: .http, authority: try RequestAuthority(target.service.hostname.utf8),
                path: try RequestPath("\(path)".utf8), headers: headers)
        } catch {
            throw .unaskable("\(error)")
        }
        guard let length = UInt32(exactly: message.count) else { throw .unaskable("the message is too long") }
        var body: [UInt8] = [0]
        body.reserveCapacity(prefixBytes + message.count)
        for shift in [24, 16, 8, 0] { body.append(UInt8(truncatingIfNeeded: length >> UInt32(shift))) }
        body += message
        return ServiceQuestion(head: head, body: body)
    }

    /// The one message of an answer.
    static func message(of answer: ServiceAnswer) throws(ServiceFailure) -> ArraySlice<UInt8> {
        guard answer.status == 200 else { throw .status(answer.status) }
        // An answer without a message has all in its head.
        let told = answer.trailers?["grpc-status"] != nil ? answer.trailers : answer.headers
        guard let told, let status = told["grpc-status"] else { throw .malformed("no gRPC status") }
        guard status == "0" else { throw .grpcStatus(code: status, message: told["grpc-message"] ?? "") }
        guard answer.body.count >= prefixBytes else { throw .malformed("no message") }
        guard answer.body[0] == 0 else { throw .malformed("a compressed message") }
        let length = answer.body[1..<prefixBytes].reduce(0) { $0 << 8 | Int($1) }
        guard answer.body.count == prefixBytes + length else { throw .malformed("not one whole message") }
        return answer.body[prefixBytes...]
    }
}
