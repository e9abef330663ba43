import MeshModel
@testable import MeshPolicy
import WaypointRoute

// libFuzzer's entry: hostile paths. First byte: what is tried, and how paths are made plain; second: where the input is
// cut in two, a pattern and a target. What the rooms say is compared with the same rules written a second time, as
// plainly as they can be (Naive.swift).

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPath(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard bytes.count >= 2 else { return 0 }
    let modes = PathNormalization.allCases
    let mode = modes[Int(bytes[0] & 3) % modes.count]
    let rest = bytes[2...]
    let cut = rest.startIndex + rest.count * Int(bytes[1]) / 256
    let (pattern, target) = (rest[..<cut], rest[cut...])
    checkPlain(target, mode)
    let text = String(decoding: pattern, as: UTF8.self)
    switch bytes[0] >> 2 & 3 {
    case 0: checkTemplate(text, target, mode)
    case 1: checkPattern(text, target)
    default: checkRoutes(text, target, mode)
    }
    return 0
}

/// One pass makes a path plain, and what is plain stays so; the query stays as it came.
func checkPlain(_ target: ArraySlice<UInt8>, _ mode: PathNormalization) {
    let expected = Naive.plain(target, mode)
    guard let path = try? RequestPath(target, normalization: mode) else {
        return precondition(expected == nil, "refused: \(target)")
    }
    precondition(Array(path.path) == expected, "\(mode) of \(target) is \(path.path)")
    let query = target.firstIndex(of: UInt8(ascii: "?")).map { target[($0 + 1)...] }
    precondition(path.query.map(Array.init) == query.map(Array.init))
    precondition(path.target.count <= target.count)
    precondition(Naive.bytes(path) == path.target)
    guard let again = try? RequestPath(path.target, normalization: mode) else {
        preconditionFailure("plain is refused: \(path.target)")
    }
    precondition(again == path, "plain is not plain: \(path.target)")
    let kept = path.withoutParameters { $0.first == UInt8(ascii: "a") }
    precondition(kept.path.elementsEqual(path.path))
    precondition(kept.query?.split(separator: UInt8(ascii: "&")).contains { $0.first == UInt8(ascii: "a") } != true)
}

func checkTemplate(_ text: String, _ target: ArraySlice<UInt8>, _ mode: PathNormalization) {
    guard let template = PathTemplate(text) else { return }
    precondition(template.description == text, "\(text) became \(template)")
    precondition(PathTemplate(template.description) == template)
    guard let path = try? RequestPath(target, normalization: mode) else { return }
    let truth = template.truth(path.path)
    let holds = Naive.matches(template.segments[...], path.path)
    precondition((truth == .yes) == holds, "\(text) for \(path.path) is \(truth)")
}

/// Any expression is read or refused, and its walk is bounded.
func checkPattern(_ text: String, _ target: ArraySlice<UInt8>) {
    guard let pattern = try? Pattern(text) else { return }
    var steps = 0
    let holds = pattern.matches(target, steps: &steps)
    precondition(steps <= 2 * (Pattern.instructionsMax + 1) * (target.count + 1), "\(steps) steps")
    precondition(pattern.matches(target) == holds)
}

/// Each line of the text is a rule: `e` and an exact path, `p` and a prefix.
func checkRoutes(_ text: String, _ target: ArraySlice<UInt8>, _ mode: PathNormalization) {
    var matches: [PathMatch] = []
    for line in text.split(separator: "\n").prefix(8) {
        guard let path = try? RoutePath(String(line.dropFirst())) else { continue }
        matches.append(line.first == "e" ? .exact(path) : .prefix(path))
    }
    guard let path = try? RequestPath(target, normalization: mode),
        let authority = try? RequestAuthority("echo".utf8)
    else { return }
    let service = RouteTarget(service: ServiceKey(namespace: "ns", hostname: "echo"), port: 80)
    let rules = matches.enumerated().compactMap { index, match in
        try? HTTPRouteRule(
            origin: RouteOrigin(kind: .http, namespace: "ns", name: "r", ruleIndex: index, createdSeconds: 0),
            matches: [HTTPMatch(path: match)],
            behaviour: RouteBehaviour(.forward(to: [RouteBackend(.service(service))])))
    }
    precondition(rules.count == matches.count)
    let head = RequestHead(method: .known(.get), scheme: .http, authority: authority, path: path)
    let index = RouteIndex(RouteTable(target: service, http: rules))
    let expected = Naive.best(matches, path.path)
    guard case .matched(let hit) = index.match(head) else {
        return precondition(expected == nil, "nothing for \(path.path)")
    }
    precondition(index.rules[hit.ruleIndex].origin.ruleIndex == expected, "\(hit) for \(path.path)")
    guard let length = hit.prefixLength else { return }
    checkRewrite(path, length, matches, mode)
}

/// The prefix is replaced by each path of the rules: the rest and the query stay, and plain becomes plain.
func checkRewrite(_ path: RequestPath, _ length: Int, _ matches: [PathMatch], _ mode: PathNormalization) {
    precondition(length <= path.pathEnd)
    precondition(length == path.pathEnd || path.target[length] == UInt8(ascii: "/"))
    for match in matches {
        guard case .prefix(let prefix) = match, let replacement = try? ReplacementPath(prefix.text) else { continue }
        let rewritten = PathReplacement.prefix(replacement).applied(to: path, prefixLength: length)
        precondition(rewritten.path.first == UInt8(ascii: "/"))
        precondition(rewritten.query == path.query)
        let rest = path.target[length..<path.pathEnd]
        precondition(rewritten.path.suffix(rest.count).elementsEqual(rest))
        guard let plain = try? RequestPath(replacement.text.utf8, normalization: mode),
            plain.path.elementsEqual(replacement.text.utf8)
        else { continue }
        guard let again = try? RequestPath(rewritten.target, normalization: mode) else {
            preconditionFailure("a rewritten path is refused: \(rewritten.target)")
        }
        precondition(again == rewritten, "a rewritten path is not plain: \(rewritten.target)")
    }
}
