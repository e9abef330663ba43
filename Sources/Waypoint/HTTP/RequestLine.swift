internal import MeshModel
internal import WaypointRoute

/// The first line of a request, taken apart. Source: RFC 9112 sections 3 and 3.2.
struct RequestLine {
    let method: RequestMethod
    let path: RequestPath
    /// That of a target in absolute form; it stands for `Host`.
    let authority: RequestAuthority?

    /// - Parameter line: without CR and LF.
    init(
        _ line: ArraySlice<UInt8>, scheme: HTTPScheme, normalization: PathNormalization
    ) throws(HTTPFault) {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last else {
            throw .requestLine
        }
        try Self.check(version: line[(last + 1)...])
        let target = line[(first + 1)..<last]
        guard !target.isEmpty, !target.contains(0x20), !target.contains(0x09) else { throw .requestLine }
        guard target.allSatisfy({ $0 < 0x80 }) else { throw .targetNotASCII }
        method = try Self.method(line[..<first])
        guard method != .known(.connect) else { throw .connect }
        do {
            if target.first == UInt8(ascii: "/") {
                authority = nil
                path = try RequestPath(target, normalization: normalization)
            } else if target.isEqual("*") {
                guard method == .known(.options) else { throw HTTPFault.asterisk }
                authority = nil
                path = try RequestPath(target, normalization: normalization)
            } else {
                let parts = try Self.split(absolute: target, scheme: scheme, method: method)
                authority = try RequestAuthority(parts.authority)
                path = try RequestPath(parts.path, normalization: normalization)
            }
        } catch let error as RequestError {
            throw .request(error)
        } catch let error as HTTPFault {
            throw error
        } catch {
            throw .requestLine
        }
    }

    private static func method(_ bytes: ArraySlice<UInt8>) throws(HTTPFault) -> RequestMethod {
        do { return try RequestMethod(bytes) } catch { throw .request(error) }
    }

    private static func check(version: ArraySlice<UInt8>) throws(HTTPFault) {
        if version.isEqual("HTTP/1.1") { return }
        let digits = version.dropFirst(5)
        guard version.count == 8, version.prefix(5).isEqual("HTTP/"), let major = digits.first, major.isDigit,
            digits.dropFirst().first == UInt8(ascii: "."), let minor = digits.last, minor.isDigit
        else { throw .requestLine }
        throw major == UInt8(ascii: "0") || version.isEqual("HTTP/1.0") ? .oldVersion : .unknownVersion
    }

    /// `SCHEME://AUTHORITY[PATH][?QUERY]`. An OPTIONS without a path asks about the server (RFC 9112 section 3.2.4).
    private static func split(
        absolute target: ArraySlice<UInt8>, scheme: HTTPScheme, method: RequestMethod
    ) throws(HTTPFault) -> (authority: ArraySlice<UInt8>, path: ArraySlice<UInt8>) {
        let name = scheme.rawValue
        guard let colon = target.firstIndex(of: UInt8(ascii: ":")), target[colon...].starts(with: "://".utf8) else {
            throw .request(.notOriginForm)
        }
        guard target[..<colon].isEqualIgnoringCase(name) else { throw .otherScheme }
        let rest = target[(colon + 3)...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let path = rest[end...]
        if path.first == UInt8(ascii: "/") { return (rest[..<end], path) }
        let isServer = path.isEmpty && method == .known(.options)
        return (rest[..<end], isServer ? Array("*".utf8)[...] : Array("/".utf8) + path)
    }
}
