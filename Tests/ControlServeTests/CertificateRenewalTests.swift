import ControlAuthority
import ControlServe
import Foundation
import GRPCCore
import Logging
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

@Suite("The TLS port's own certificate", .timeLimit(.minutes(1)))
struct CertificateRenewalTests {
    /// Whether a client that expects this name gets through TLS.
    /// - Parameter seconds: a client that is shown another name tries again until then.
    private static func reaches(_ plane: Plane, _ name: String, within seconds: Int64 = 30) async throws -> Bool {
        try await plane.withClient(name: name) { client in
            let service = Istio_V1_Auth_IstioCertificateService.Client(wrapping: client)
            var options = CallOptions.defaults
            options.timeout = .seconds(seconds)
            do {
                _ = try await service.createCertificate(.with { _ in }, options: options)
                return true
            } catch let error as RPCError {
                // Without a token we are refused, by somebody whom we have verified.
                return error.code == .unauthenticated
            }
        }
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("new connections are shown the new certificate")
    func replaced() async throws {
        try await Plane.run(Scratch()) { plane in
            #expect(try await Self.reaches(plane, "localhost"))
            let now = Int64(Date().timeIntervalSince1970)
            try plane.server.use(
                ServerCertificate(from: plane.authority, names: [.dns("renewed.example")], nowSeconds: now))
            #expect(try await Self.reaches(plane, "renewed.example"))
            #expect(try await Self.reaches(plane, "localhost", within: 2) == false)
        }
    }

    @Test("one that lives for three seconds is replaced in time, again and again")
    func shortLife() async throws {
        try await Plane.run(Scratch()) { plane in
            let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
            let renewal = CertificateRenewal(
                authority: CurrentAuthority(plane.authority), names: [.dns("renewed.example")], lifetimeSeconds: 3,
                log: Self.quiet,
                nowSeconds: now)
            let first = try renewal.make()
            try plane.server.use(first)
            #expect(try await Self.reaches(plane, "localhost", within: 2) == false, "not what the port was made with")
            let task = Task { await renewal.run(plane.server, from: first) }
            while now() < first.validity.notAfterSeconds + 2 {
                #expect(try await Self.reaches(plane, "renewed.example"))
                try await Task.sleep(for: .milliseconds(100))
            }
            task.cancel()
            await task.value
        }
    }
}
