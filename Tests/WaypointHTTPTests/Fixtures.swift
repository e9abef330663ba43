import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointHTTP

/// What readers say of a text, and of the same text in pieces; pieces of one body are joined.
enum Read {
    /// - Parameter cuts: where the input is cut, in order.
    static func requests(
        _ bytes: some Collection<UInt8>, cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
    ) -> [RequestEvent] {
        var reader = RequestReader(limits: limits)
        var events: [RequestEvent] = []
        var buffer = ByteBuffer()
        for piece in pieces(Array(bytes), cuts) {
            buffer.writeBytes(piece)
            while let event = reader.next(from: &buffer) { join(event, to: &events) }
        }
        if let event = reader.inputEnded(buffer) { events.append(event) }
        #expect(reader.next(from: &buffer) == nil)
        return events
    }

    static func requests(_ text: String, limits: HTTPLimits = HTTPLimits()) -> [RequestEvent] {
        requests(text.utf8, limits: limits)
    }

    /// - Parameter methods: of the requests that were sent, one for each answer.
    static func responses(
        _ bytes: some Collection<UInt8>, to methods: [RequestMethod] = [.known(.get)], upgrades: Bool = false,
        cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
    ) -> [ResponseEvent] {
        var reader = ResponseReader(limits: limits)
        var methods = methods[...]
        var events: [ResponseEvent] = []
        var buffer = ByteBuffer()
        for piece in pieces(Array(bytes), cuts) {
            buffer.writeBytes(piece)
            while true {
                if reader.isIdle, let method = methods.popFirst() {
                    reader.expectAnswer(to: method, upgrades: upgrades)
                }
                guard let event = reader.next(from: &buffer) else { break }
                join(event, to: &events)
            }
        }
        if let event = reader.inputEnded() { events.append(event) }
        return events
    }

    static func responses(
        _ text: String, to method: HTTPMethod = .get, upgrades: Bool = false, limits: HTTPLimits = HTTPLimits()
    ) -> [ResponseEvent] {
        responses(text.utf8, to: [.known(method)], upgrades: upgrades, limits: limits)
    }

    private static func pieces(_ bytes: [UInt8], _ cuts: [Int]) -> [ArraySlice<UInt8>] {
        zip([0] + cuts, cuts + [bytes.count]).map { bytes[$0..<$1] }
    }

    private static func join(_ event: RequestEvent, to events: inout [RequestEvent]) {
        if case .body(var last)? = events.last, case .body(let more) = event {
            last.writeImmutableBuffer(more)
            events[events.count - 1] = .body(last)
        } else {
            events.append(event)
        }
    }

    private static func join(_ event: ResponseEvent, to events: inout [ResponseEvent]) {
        if case .body(var last)? = events.last, case .body(let more) = event {
            last.writeImmutableBuffer(more)
            events[events.count - 1] = .body(last)
        } else {
            events.append(event)
        }
    }
}

extension [RequestEvent] {
    var heads: [ReceivedRequest] { compactMap { if case .head(let head) = $0 { head } else { nil } } }
    var bodies: [String] { compactMap { if case .body(let bytes) = $0 { String(buffer: bytes) } else { nil } } }
    var fault: HTTPFault? { lazy.compactMap { if case .fault(let fault) = $0 { fault } else { nil } }.first }
    var endCount: Int { count { if case .end = $0 { true } else { false } } }
    var trailers: [HeaderList] { compactMap { if case .end(let list?) = $0 { list } else { nil } } }
}

extension [ResponseEvent] {
    var heads: [ReceivedResponse] { compactMap { if case .head(let head) = $0 { head } else { nil } } }
    var interim: [ResponseHead] { compactMap { if case .interim(let head) = $0 { head } else { nil } } }
    var bodies: [String] { compactMap { if case .body(let bytes) = $0 { String(buffer: bytes) } else { nil } } }
    var fault: HTTPFault? { lazy.compactMap { if case .fault(let fault) = $0 { fault } else { nil } }.first }
    var endCount: Int { count { if case .end = $0 { true } else { false } } }
    var trailers: [HeaderList] { compactMap { if case .end(let list?) = $0 { list } else { nil } } }
}

extension RequestHead {
    var target: String { String(decoding: path.target, as: UTF8.self) }
    var host: String { String(decoding: authority.bytes, as: UTF8.self) }
}

extension HeaderList {
    /// One line each, for comparisons.
    var text: String { pairs.map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}
