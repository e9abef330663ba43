import SeededTesting
import Testing
import WaypointRoute

/// Expressions made by chance, together with what they mean: the places where a match that begins at one place may end.
private indirect enum Meaning {
    case byte(Set<UInt8>)
    case sequence([Meaning])
    case choice([Meaning])
    case repeated(Meaning, Int, Int)

    func ends(_ value: [UInt8], _ start: Int) -> Set<Int> {
        switch self {
        case .byte(let set): return start < value.count && set.contains(value[start]) ? [start + 1] : []
        case .sequence(let parts):
            return parts.reduce([start]) { places, part in Set(places.flatMap { part.ends(value, $0) }) }
        case .choice(let parts): return Set(parts.flatMap { $0.ends(value, start) })
        case .repeated(let part, let minimum, let maximum):
            var places: Set<Int> = [start]
            var found: Set<Int> = minimum == 0 ? places : []
            for round in 1...max(1, maximum) where maximum > 0 {
                places = Set(places.flatMap { part.ends(value, $0) })
                if round >= minimum { found.formUnion(places) }
            }
            return found
        }
    }
}

private struct PatternMaker {
    var generator: SeededGenerator

    mutating func make(_ depth: Int) -> (text: String, meaning: Meaning) {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 3), using: &generator) {
        case 0: return ("a", .byte(Set("a".utf8)))
        case 1: return ("[b-c]", .byte(Set("bc".utf8)))
        case 2: return (".", .byte(Set("abcd".utf8)))
        case 3, 4:
            let parts = (0..<Int.random(in: 0...3, using: &generator)).map { _ in make(depth - 1) }
            return (parts.map { "(?:\($0.text))" }.joined(), .sequence(parts.map(\.meaning)))
        case 5:
            let parts = (0..<Int.random(in: 1...3, using: &generator)).map { _ in make(depth - 1) }
            return ("(\(parts.map(\.text).joined(separator: "|")))", .choice(parts.map(\.meaning)))
        default:
            let part = make(depth - 1)
            let (suffix, minimum, maximum) =
                [("*", 0, 12), ("+", 1, 12), ("?", 0, 1), ("{2}", 2, 2), ("{1,3}", 1, 3), ("{2,}", 2, 12)]
                .randomElement(using: &generator) ?? ("", 1, 1)
            return ("(\(part.text))\(suffix)", .repeated(part.meaning, minimum, maximum))
        }
    }
}

@Suite("Regular expressions by seed")
struct PatternPropertyTests {
    @Test("a compiled expression means what it says, within its bound of steps", arguments: 0..<6)
    func meaning(_ seed: UInt64) throws {
        var maker = PatternMaker(generator: SeededGenerator(seed: seed))
        var compiled = 0
        for _ in 0..<250 {
            let (text, meaning) = maker.make(4)
            guard let pattern = try? Pattern(text) else { continue }
            compiled += 1
            for _ in 0..<8 {
                let count = Int.random(in: 0..<8, using: &maker.generator)
                let value = (0..<count).map { _ in UInt8.random(in: 97...100, using: &maker.generator) }
                var steps = 0
                let isMatch = pattern.matches(value[...], steps: &steps)
                #expect(isMatch == meaning.ends(value, 0).contains(count), "\(text) on \(value)")
                #expect(steps <= 2 * Pattern.instructionsMax * (count + 1))
            }
        }
        #expect(compiled > 100)
    }

    @Test("any text is compiled or refused", arguments: 0..<4)
    func anyText(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ab()[]{}|*+?^$.\\-,019:=<>!PiQEdwxp/é ")
        for _ in 0..<4000 {
            let count = Int.random(in: 0..<24, using: &generator)
            let text = String((0..<count).compactMap { _ in alphabet.randomElement(using: &generator) })
            guard let pattern = try? Pattern(text) else { continue }
            var steps = 0
            let value = Array(text.utf8)
            _ = pattern.matches(value[...], steps: &steps)
            #expect(steps <= 2 * Pattern.instructionsMax * (value.count + 1))
        }
    }
}
