import Foundation
import MeshTesting

/// Asks the certificate API of an apusd beside an API server, by curl: one message of gRPC is five bytes and the
/// message (grpc.io, "gRPC over HTTP2").
struct CertificateCaller {
    struct Answer {
        /// gRPC's: 0 ok, 14 unavailable, 16 unauthenticated.
        let status: Int
        let message: String
        let body: Data
    }

    private let namespace: TestNamespace
    private let folder: String
    private let roots: String
    private let port: Int
    private let host: String

    /// - Parameter host: the name by which it is called.
    init(_ server: APIServer, roots: String, port: Int = 15012, host: String = "127.0.0.1") throws {
        self.host = host
        namespace = server.namespace
        folder = server.directory.path
        self.roots = roots
        self.port = port
        try Shell.run([
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "\(folder)/caller.key", "-subj", "/CN=x", "-out", "\(folder)/caller.csr",
        ])
    }

    /// - Parameter identity: `nil`: none is named.
    func ask(_ token: String, _ identity: String?) async throws -> Answer {
        let request = try String(contentsOfFile: "\(folder)/caller.csr", encoding: .utf8)
        var message = Self.field(1, Array(request.utf8))
        if let identity {
            // A Struct with one member that is a text.
            let value = Self.field(3, Array(identity.utf8))
            let entry = Self.field(1, Array("ImpersonatedIdentity".utf8)) + Self.field(2, value)
            message += Self.field(4, Self.field(1, entry))
        }
        let name = "\(folder)/call-\(UUID())"
        try Data(Self.framed(message)).write(to: URL(fileURLWithPath: name))
        let command = [
            "ip", "netns", "exec", namespace.name, "curl", "-sS", "--http2", "--max-time", "15", "--cacert", roots,
            "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "authorization: Bearer \(token)",
            "--data-binary", "@\(name)", "-D", "\(name).head", "-o", "\(name).body",
            "--resolve", "\(host):\(port):127.0.0.1",
            "https://\(host):\(port)/istio.v1.auth.IstioCertificateService/CreateCertificate",
        ]
        let (status, output) = try await offload { try Shell.runAnyStatus(command) }
        guard status == 0 else { return Answer(status: -1, message: output, body: Data()) }
        var fields: [String: String] = [:]
        for line in try String(contentsOfFile: "\(name).head", encoding: .utf8).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 2 { fields[parts[0].lowercased()] = parts[1] }
        }
        return Answer(
            status: Int(fields["grpc-status"] ?? "") ?? -1,
            message: fields["grpc-message"]?.removingPercentEncoding ?? "",
            body: (try? Data(contentsOf: URL(fileURLWithPath: "\(name).body"))) ?? Data())
    }

    /// A message as gRPC sends it.
    static func framed(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + message
    }

    /// A field of bytes (protobuf.dev, "Encoding").
    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        var length = bytes.count
        var varint: [UInt8] = []
        while length >= 0x80 {
            varint.append(UInt8(length & 0x7f) | 0x80)
            length >>= 7
        }
        return [UInt8(number << 3 | 2)] + varint + [UInt8(length)] + bytes
    }
}
