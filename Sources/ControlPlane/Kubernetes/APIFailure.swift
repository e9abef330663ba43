/// Why a request to the API server brought nothing, or not all of it. After `connection` and `timeout` nobody knows
/// whether a write has happened: whoever asked reads the object before the next attempt.
package enum APIFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// 401: the credentials are not valid, or not any more.
    case unauthorized
    /// 403, with the server's words.
    case forbidden(String)
    /// 404.
    case missing
    /// 409 of a create: an object of this name is there already.
    case exists
    /// 409 of any other write, with the server's words: the object has changed since it was read, or is another one
    /// of the same name, or others own the fields.
    case conflict(String)
    /// 400 and 422 of a write, or an object that is too large to be sent: the same object will be refused again.
    case invalid(String)
    /// 410, as status or as event: the version or the token of a list is too old.
    case expired
    /// 429 or 503 with Retry-After, in seconds when the server says so.
    case busy(retryAfterSeconds: Int?)
    /// Any other status, with the server's words.
    case status(Int, String)
    /// The connection could not be made, or broke.
    case connection(String)
    case timeout
    /// What came is not what the API promises.
    case malformed(String)
    /// An answer or an event is larger than we take, in bytes.
    case tooLarge(Int)

    package var description: String {
        switch self {
        case .unauthorized: "401: the credentials are refused"
        case .forbidden(let message): "403: \(message)"
        case .missing: "404: there is no such resource"
        case .exists: "409: there is such a resource already"
        case .conflict(let message): "409: \(message)"
        case .invalid(let message): "the object is refused: \(message)"
        case .expired: "410: the version is too old"
        case .busy(let seconds): "the server is busy" + (seconds.map { ", asks to wait \($0) s" } ?? "")
        case .status(let code, let message): message.isEmpty ? "status \(code)" : "status \(code): \(message)"
        case .connection(let cause): cause
        case .timeout: "no whole answer in time"
        case .malformed(let reason): "the answer \(reason)"
        case .tooLarge(let bytes): "the answer has more than \(bytes) bytes"
        }
    }

    /// The same request may succeed later, without anything being read anew.
    var isPassing: Bool {
        switch self {
        case .unauthorized, .busy, .connection, .timeout: true
        case .status(let code, _): code >= 500
        case .forbidden, .missing, .exists, .conflict, .invalid, .expired, .malformed, .tooLarge: false
        }
    }

    /// What a status says, of an answer or of an event of type ERROR.
    /// - Parameter reason: the server's word for it (kubernetes.io, API conventions, "Response Status Kind").
    static func of(status: Int, reason: String = "", message: String, retryAfterSeconds: Int? = nil) -> APIFailure {
        switch status {
        case 401: .unauthorized
        case 403: .forbidden(message)
        case 404: .missing
        case 409: reason == "AlreadyExists" ? .exists : .conflict(message)
        case 410: .expired
        case 422: .invalid(message)
        case 429: .busy(retryAfterSeconds: retryAfterSeconds)
        case 503 where retryAfterSeconds != nil: .busy(retryAfterSeconds: retryAfterSeconds)
        default: .status(status, message)
        }
    }

    var isForbidden: Bool {
        guard case .forbidden = self else { return false }
        return true
    }
}
