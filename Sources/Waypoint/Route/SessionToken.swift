package import MeshModel

/// Names the back end and the endpoint that a client stays with. Names are hashed: clients learn no names of pods. Not
/// signed: a client can only ever choose among endpoints that its rule leads to anyway.
package struct SessionToken: Hashable, Sendable {
    private let backend: UInt64
    private let endpoint: UInt64
    private let issuedSeconds: Int64

    /// - Parameters:
    ///   - endpoint: the uid of the workload.
    ///   - nowSeconds: since 1970.
    package init(target: RouteTarget, endpoint: String, nowSeconds: Int64) {
        backend = Self.hash(target.description)
        self.endpoint = Self.hash(endpoint)
        issuedSeconds = max(0, nowSeconds)
    }

    /// Whether this is the endpoint it names, by the uid of the workload.
    package func isFor(endpoint uid: String) -> Bool { Self.hash(uid) == endpoint }

    /// Whether this is the back end it names, and one that gets requests at all.
    func isFor(_ backend: RouteBackend) -> Bool {
        guard case .service(let target) = backend.destination, backend.weight.value > 0 else { return false }
        return Self.hash(target.description) == self.backend
    }

    /// `1` and three numbers of 16 hexadecimal digits.
    package var text: String { "1" + [backend, endpoint, UInt64(issuedSeconds)].map(Self.hexadecimal).joined() }

    /// `nil` when it is none of ours.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 49, bytes.first == UInt8(ascii: "1") else { return nil }
        var numbers: [UInt64] = [0, 0, 0]
        for (index, byte) in bytes.dropFirst().enumerated() {
            guard let digit = byte.hexadecimalValue else { return nil }
            numbers[index / 16] = numbers[index / 16] << 4 | UInt64(digit)
        }
        guard let issued = Int64(exactly: numbers[2]) else { return nil }
        (backend, endpoint, issuedSeconds) = (numbers[0], numbers[1], issued)
    }

    /// Whether it is still good. One from the future is not: nobody issued it.
    func isCurrent(_ timeout: Duration?, nowSeconds: Int64) -> Bool {
        guard let timeout else { return true }
        return issuedSeconds <= nowSeconds && nowSeconds - issuedSeconds < timeout.components.seconds
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// FNV-1a, the same in every process.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension SessionPersistence {
    /// The token of a request, when it has a good one.
    package func token(in head: RequestHead, nowSeconds: Int64) -> SessionToken? {
        let token: SessionToken?
        switch carrier {
        case .header(let name): token = head.headers.joined(name.text.utf8).flatMap { SessionToken($0) }
        case .cookie(let name, _, _): token = Self.cookie(name.text, in: head.headers)
        }
        return token.flatMap { $0.isCurrent(absoluteTimeout, nowSeconds: nowSeconds) ? $0 : nil }
    }

    /// The field of the answer that hands out a token.
    package func field(_ token: SessionToken) -> (name: String, value: String) {
        switch carrier {
        case .header(let name): return (name.text, token.text)
        case .cookie(let name, let path, let lifetime):
            var value = "\(name)=\(token.text); Path=\(path); HttpOnly; SameSite=Lax"
            if lifetime == .permanent, let absoluteTimeout {
                value += "; Max-Age=\(absoluteTimeout.components.seconds)"
            }
            return ("set-cookie", value)
        }
    }

    /// The first cookie of this name that is a token; browsers may send several for different paths.
    private static func cookie(_ name: String, in headers: HeaderList) -> SessionToken? {
        var place = 0
        while let index = headers.index(of: "cookie".utf8, from: place) {
            for pair in headers.value(at: index).split(separator: UInt8(ascii: ";")) {
                let pair = pair.drop(while: \.isBlank)
                guard pair.starts(with: name.utf8), pair.dropFirst(name.utf8.count).first == UInt8(ascii: "=") else {
                    continue
                }
                var value = pair.dropFirst(name.utf8.count + 1)
                while value.last?.isBlank == true { value = value.dropLast() }
                if let token = SessionToken(value) { return token }
            }
            place = index + 1
        }
        return nil
    }
}
