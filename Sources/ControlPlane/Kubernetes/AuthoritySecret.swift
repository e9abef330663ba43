package import ControlAuthority
internal import Foundation
internal import MeshModel

/// Why a Secret gives no authority.
package enum AuthoritySecretError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The API server could not be asked: that passes, or the rights are missing.
    case api(String, APIFailure)
    case content(AuthorityError)

    package var description: String {
        switch self {
        case .api(let secret, let failure):
            let hint = failure.isForbidden ? "; apusd needs the right to get and create it" : ""
            return "Secret \(secret): \(failure)\(hint)"
        case .content(let error): return error.description
        }
    }
}

/// The authority in a Secret, where every replica finds it: one that somebody put there, or one that was made there
/// once. Of replicas that make it at the same time the API server lets one.
package struct AuthoritySecret: Sendable {
    /// As istiod has it, whose tools know it (istio.io, "Plug in CA Certificates").
    package static let givenName = "cacerts"
    private static let type = "istio.io/ca-root"
    private static let served = ServedKind(
        kind: ResourceKind(kind: "Secret", plural: "secrets", group: "", versions: ["v1"]), version: "v1")
    private static let answerSeconds = 10

    private let client: APIClient
    private let namespace: String
    private let name: String

    /// - Parameter name: of the Secret that is made if neither it nor `cacerts` is there.
    package init(_ client: APIClient, namespace: String, name: String) {
        self.client = client
        self.namespace = namespace
        self.name = name
    }

    /// The authority that is there: `cacerts` goes first.
    package func read() async throws(AuthoritySecretError) -> AuthorityText? {
        for name in [Self.givenName, name] {
            if let text = try await read(name) { return text }
        }
        return nil
    }

    /// The authority that is there, or a new one.
    package func open(trustDomain: String, nowSeconds: Int64) async throws(AuthoritySecretError) -> AuthorityText {
        if let text = try await read() { return text }
        let made: AuthorityText
        do {
            made = try CertificateAuthority.makeRoot(trustDomain: trustDomain, nowSeconds: nowSeconds)
        } catch {
            throw .content(error)
        }
        let data = made.entries.mapValues { JSONValue.string(Data($0.utf8).base64EncodedString()) }
        let secret: JSONValue = [
            "metadata": ["name": .string(name)], "type": .string(Self.type), "data": .object(data),
        ]
        do {
            _ = try await client.send(
                .create(secret, of: Self.served, namespace: namespace), seconds: Self.answerSeconds)
        } catch .exists {
            // Another replica was faster.
        } catch {
            throw .api("\(namespace)/\(name)", error)
        }
        guard let text = try await read() else { throw .api("\(namespace)/\(name)", .missing) }
        return text
    }

    private func read(_ name: String) async throws(AuthoritySecretError) -> AuthorityText? {
        let secret: JSONValue
        do {
            secret = try await client.read(
                ObjectPlace(Self.served, namespace: namespace, name: name), seconds: Self.answerSeconds)
        } catch .missing {
            return nil
        } catch {
            throw .api("\(namespace)/\(name)", error)
        }
        var entries: [String: String] = [:]
        for entry in AuthorityText.entryNames {
            guard let text = secret["data"]?[entry]?.text, let data = Data(base64Encoded: text) else { continue }
            entries[entry] = String(decoding: data, as: UTF8.self)
        }
        do {
            return try AuthorityText(entries: entries, place: "Secret \(namespace)/\(name)")
        } catch {
            throw .content(error)
        }
    }
}
