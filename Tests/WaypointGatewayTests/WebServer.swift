import Foundation
import MeshDiscovery
import MeshModel
import NIOCore
import NIOSSL
import Synchronization
import Testing
import WaypointRoute

@testable import WaypointGateway

/// An endpoint that keeps its connections and remembers what it was asked.
final class WebServer: Sendable {
    /// One request with its body, the number of its connection, and its own number on that, both from 1.
    struct Request: Sendable {
        let text: String
        let connection: Int
        let number: Int

        var path: String { String(text.split(separator: " ").dropFirst().first ?? "") }

        /// The value of a header field.
        func field(_ name: String) -> String? {
            for line in text.components(separatedBy: "\r\n") where line.lowercased().hasPrefix("\(name): ") {
                return String(line.dropFirst(name.count + 2))
            }
            return nil
        }
    }

    private let box: Box
    private let server: PlainServer
    let port: UInt16

    /// - Parameter answer: the whole text; `nil` ends the connection without one, an empty one never answers.
    init(
        host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        _ answer: @escaping @Sendable (Request) -> String?
    ) async throws {
        let box = Box()
        let plain = try await PlainServer(host: host, port: port, tls: tls) { inbound, outbound in
            let connection = box.connect()
            var (buffer, number) = ("", 0)
            for try await bytes in inbound {
                buffer += String(buffer: bytes)
                while let text = Self.cutRequest(&buffer) {
                    number += 1
                    let request = Request(text: text, connection: connection, number: number)
                    box.append(request)
                    guard let answer = answer(request) else { return outbound.finish() }
                    if !answer.isEmpty { try await outbound.write(ByteBuffer(string: answer)) }
                }
            }
            outbound.finish()
        }
        self.port = plain.port
        self.box = box
        self.server = plain
    }

    private final class Box: Sendable {
        private let state = Mutex<(requests: [Request], connections: Int)>(([], 0))
        func connect() -> Int {
            state.withLock {
                $0.connections += 1
                return $0.connections
            }
        }
        func append(_ request: Request) { state.withLock { $0.requests.append(request) } }
        var requests: [Request] { state.withLock { $0.requests } }
        var connections: Int { state.withLock { $0.connections } }
    }

    var requests: [Request] { box.requests }
    var connectionCount: Int { box.connections }

    func stop() { server.stop() }

    static func text(_ body: String, status: String = "200 OK", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    /// The first whole request of a text, by its Content-Length or last chunk.
    private static func cutRequest(_ text: inout String) -> String? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = text[..<end.upperBound]
        if head.lowercased().contains("transfer-encoding: chunked") {
            guard let chunk = text.range(of: "0\r\n", range: end.upperBound..<text.endIndex),
                let last = text.range(of: "\r\n\r\n", range: chunk.lowerBound..<text.endIndex)
            else { return nil }
            defer { text = String(text[last.upperBound...]) }
            return String(text[..<last.upperBound])
        }
        let length = head.components(separatedBy: "\r\n")
            .first { $0.lowercased().hasPrefix("content-length: ") }
            .flatMap { Int($0.dropFirst("content-length: ".count)) } ?? 0
        let rest = text[end.upperBound...]
        guard rest.utf8.count >= length else { return nil }
        let body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
        let whole = head + body
        text = String(rest.dropFirst(body.count))
        return String(whole)
    }
}

extension Make {
    static func target(_ name: String) -> RouteTarget {
        RouteTarget(
            service: ServiceKey(namespace: namespace, hostname: "\(name).shop.svc.cluster.local"), port: 80)
    }

    static func forward(_ name: String, weight: UInt32 = 1) throws -> RouteBackend {
        RouteBackend(.service(target(name)), weight: try BackendWeight(weight))
    }

    static func rule(
        _ path: String = "/", at place: Int = 0, _ behaviour: RouteBehaviour
    ) throws -> HTTPRouteRule {
        try HTTPRouteRule(
            origin: RouteOrigin(kind: .http, namespace: namespace, name: "route", ruleIndex: place),
            matches: [HTTPMatch(path: .prefix(try RoutePath(path)))], behaviour: behaviour)
    }

    /// Services `api` and `other`, the first behind the waypoint, each with endpoints at these places.
    static func pair(
        api: [(host: String, port: UInt16)], other: [(host: String, port: UInt16)] = [],
        declared: ApplicationProtocol = .http11, routes: [HTTPRouteRule]? = nil
    ) throws -> World {
        var services: [Service] = []
        var workloads: [Workload] = []
        let both = [("api", "10.1.0.1", api, waypoint as ServiceKey?), ("other", "10.1.0.2", other, nil)]
        for (name, address, places, waypoint) in both {
            let ports = [
                ServicePort(servicePort: 80, targetPort: places.first?.port ?? 1, applicationProtocol: declared)
            ]
            let service = try service(name, at: address, ports: ports, waypoint: waypoint)
            services.append(service)
            for (index, place) in places.enumerated() {
                let ports = [
                    ServicePort(servicePort: 80, targetPort: place.port, applicationProtocol: declared)
                ]
                workloads.append(
                    try workload("\(name)-\(index)", at: place.host) { $0.services[service.key] = ports })
            }
        }
        var world = world(services, workloads)
        if let routes {
            world.apply(
                contentsOf: [.upsertRoutes(AttachedRoutes(RouteTable(target: target("api"), http: routes)))])
        }
        return world
    }
}

extension GatewayRig {
    /// One request on a call of its own; the answer, whole.
    func get(
        _ path: String = "/", method: String = "GET", fields: String = "", body: String = ""
    ) async throws -> String {
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        return try await exchange(
            "10.1.0.1:80",
            "\(method) \(path) HTTP/1.1\r\nHost: api\r\n\(length)\(fields)Connection: close\r\n\r\n\(body)")
    }
}
