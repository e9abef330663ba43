import Foundation
import MeshTesting
import Testing

/// Mirrors, timeouts and retries.
extension Conformance {
    private static func mirror(_ backend: String, _ more: String = "") -> String {
        "  - { type: RequestMirror, requestMirror: { backendRef: { name: \(backend), port: 80 }\(more) } }"
    }

    @Test("HTTPRouteRequestMirror, HTTPRouteRequestMultipleMirrors")
    func mirrors() async throws {
        try await conforming { mesh in
            let rules = "- matches: [ { path: { value: /mirror } } ]\n  filters:\n"
                + "\(Self.mirror("echo-v2"))\n\(Self.mirror("echo-v3"))\n  \(Self.toV1)"
            try await mesh.check([Self.route("mirror", rules)], [.reaches("echo-v1", Ask("/mirror?warm"))])
            let name = "/mirror?once=\(UUID().uuidString)"
            let answer = try await mesh.ask([Ask(name)])
            #expect(answer.first?.seen?.pod == "echo-v1")
            for pod in ["echo-v2", "echo-v3"] {
                try await Wait.eventually("the copy at \(pod)") { mesh.requests(at: pod).contains { $0.path == name } }
            }
            #expect(!mesh.requests(at: "echo-v1").filter { $0.path == name }.isEmpty)
        }
    }

    @Test("HTTPRouteRequestPercentageMirror", arguments: [
        (", percent: 20", 0.2), (", percent: 50", 0.5), (", fraction: { numerator: 35 }", 0.35),
    ])
    func percentageMirror(_ more: String, _ share: Double) async throws {
        try await conforming { mesh in
            let rules = "- matches: [ { path: { value: /mirror } } ]\n  filters:\n"
                + "\(Self.mirror("echo-v2", more))\n  \(Self.toV1)"
            try await mesh.check([Self.route("mirror", rules)], [.reaches("echo-v1", Ask("/mirror?warm"))])
            var found = 0.0
            for _ in 0..<10 {
                let name = "/mirror?part=\(UUID().uuidString)"
                _ = try await mesh.shares(Ask(name))
                // Copies are sent beside the answers: the last may still be on their way.
                try await Task.sleep(for: .milliseconds(300))
                found = Double(mesh.requests(at: "echo-v2").filter { $0.path == name }.count) / 500
                if abs(found - share) <= 0.05 { return }
            }
            Issue.record("expected \(share) of the requests at echo-v2, found \(found)")
        }
    }

    @Test("HTTPRouteTimeoutRequest, HTTPRouteTimeoutBackendRequest", arguments: ["request", "backendRequest"])
    func timeouts(_ field: String) async throws {
        try await conforming { mesh in
            let more = field == "backendRequest" ? "request: 500ms, " : ""
            let rules = """
                - matches: [ { path: { value: /request-timeout } } ]
                  timeouts: { \(more)\(field): 500ms }
                  \(Self.toV1)
                - matches: [ { path: { value: /disable-request-timeout } } ]
                  timeouts: { request: 0s }
                  \(Self.toV1)
                """
            try await mesh.check([Self.route("timeouts", rules)], [
                .reaches("echo-v1", Ask("/request-timeout")), .status(504, Ask("/request-timeout?delay=1")),
                .reaches("echo-v1", Ask("/disable-request-timeout?delay=1")),
            ])
        }
    }

    private func retries(
        _ retry: String, _ more: String = "", _ cases: [(query: String, status: Int)]
    ) async throws {
        try await conforming { mesh in
            let rules = "- matches: [ { path: { value: /retry } } ]\n  retry: { \(retry) }\n\(more)  \(Self.toV1)"
            try await mesh.check([Self.route("retry", rules)], [.reaches("echo-v1", Ask("/retry"))])
            for (query, status) in cases {
                let answer = try await mesh.ask([Ask("/retry?\(query)&id=\(UUID().uuidString)")])
                #expect(answer.first?.status == status, "\(query): \(answer)")
            }
        }
    }

    @Test("HTTPRouteRetry")
    func retry() async throws {
        try await retries("codes: [ 500 ], attempts: 3", [
            ("code=500&fail=2", 200), ("code=500&fail=4", 500), ("code=503&fail=1", 503),
        ])
        try await retries("codes: [ 500, 502, 503, 504 ], attempts: 2", [
            ("code=503&fail=1", 200), ("code=503&fail=3", 503), ("code=502&fail=1", 200),
        ])
    }

    @Test("HTTPRouteRetryConnectionError")
    func retryConnectionError() async throws {
        try await conforming { mesh in
            let rules = "- matches: [ { path: { value: /retry } } ]\n  retry: { attempts: 3 }\n  \(Self.toV1)"
            try await mesh.check([Self.route("retry", rules)], [.reaches("echo-v1", Ask("/retry"))])
            let few = try await mesh.ask([Ask("/retry?code=reset&fail=2&id=\(UUID().uuidString)")])
            #expect(few.first?.status == 200, "\(few)")
            let many = try await mesh.ask([Ask("/retry?code=reset&fail=4&id=\(UUID().uuidString)")])
            #expect([500, 503].contains(many.first?.status), "\(many)")
        }
    }

    @Test("HTTPRouteRetryWithTimeouts")
    func retryWithTimeouts() async throws {
        try await retries(
            "codes: [ 500 ], attempts: 5", "  timeouts: { request: 400ms }\n",
            [("code=500&fail=1", 200), ("code=500&fail=4&delay=0.15", 504)])
        try await retries(
            "attempts: 2", "  timeouts: { request: 2s, backendRequest: 200ms }\n", [("delay=0.5", 504)])
    }
}

extension Conformance {
    private func retries(_ retry: String, _ cases: [(query: String, status: Int)]) async throws {
        try await retries(retry, "", cases)
    }
}
