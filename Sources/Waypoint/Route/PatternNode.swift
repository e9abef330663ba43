/// A regular expression as a tree.
indirect enum PatternNode: Hashable, Sendable {
    case set(ByteSet)
    case assert(Pattern.Assertion)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `maximum` `nil`: without end.
    case repeated(PatternNode, minimum: Int, maximum: Int?)

    /// How many instructions it needs; stops counting above the most a pattern may have.
    var instructionCount: Int {
        let count: Int
        switch self {
        case .set, .assert: count = 1
        case .sequence(let parts): count = parts.reduce(0) { Self.capped($0 + $1.instructionCount) }
        case .choice(let parts):
            count = parts.reduce(2 * (parts.count - 1)) { Self.capped($0 + $1.instructionCount) }
        case .repeated(let part, let minimum, let maximum):
            let one = part.instructionCount
            if let maximum {
                count = one * minimum + (one + 1) * (maximum - minimum)
            } else {
                count = minimum == 0 ? one + 2 : one * minimum + 1
            }
        }
        return Self.capped(count)
    }

    private static func capped(_ count: Int) -> Int { min(count, Pattern.instructionsMax + 1) }

    /// Bytes that every match begins with.
    var literalPrefix: [UInt8] {
        guard case .sequence(let parts) = self else { return only.map { [$0] } ?? [] }
        var prefix: [UInt8] = []
        for part in parts {
            if part == .assert(.start), prefix.isEmpty { continue }
            guard let byte = part.only else { break }
            prefix.append(byte)
        }
        return prefix
    }

    private var only: UInt8? {
        if case .set(let set) = self { set.only } else { nil }
    }
}

/// Writes a tree as instructions.
struct PatternCompiler {
    var program: [Pattern.Instruction] = []
    private(set) var sets: [ByteSet] = []
    private var indices: [ByteSet: Int] = [:]

    mutating func emit(_ node: PatternNode) {
        switch node {
        case .set(let set): program.append(.take(index(of: set)))
        case .assert(let assertion): program.append(.assert(assertion))
        case .sequence(let parts): for part in parts { emit(part) }
        case .choice(let parts): emitChoice(parts)
        case .repeated(let part, let minimum, nil): emitEndless(part, minimum: minimum)
        case .repeated(let part, let minimum, let maximum?):
            for _ in 0..<minimum { emit(part) }
            let splits = (minimum..<maximum).map { _ in
                program.append(.accept)
                let place = program.count - 1
                emit(part)
                return place
            }
            for place in splits { program[place] = .split(place + 1, program.count) }
        }
    }

    private mutating func emitChoice(_ parts: [PatternNode]) {
        var jumps: [Int] = []
        for part in parts.dropLast() {
            let split = program.count
            program.append(.accept)
            emit(part)
            jumps.append(program.count)
            program.append(.accept)
            program[split] = .split(split + 1, program.count)
        }
        if let last = parts.last { emit(last) }
        for jump in jumps { program[jump] = .jump(program.count) }
    }

    private mutating func emitEndless(_ part: PatternNode, minimum: Int) {
        guard minimum > 0 else {
            let split = program.count
            program.append(.accept)
            emit(part)
            program.append(.jump(split))
            program[split] = .split(split + 1, program.count)
            return
        }
        var last = program.count
        for _ in 0..<minimum {
            last = program.count
            emit(part)
        }
        program.append(.split(last, program.count + 1))
    }

    private mutating func index(of set: ByteSet) -> Int {
        if let index = indices[set] { return index }
        indices[set] = sets.count
        sets.append(set)
        return sets.count - 1
    }
}

/// Some of the 256 bytes.
struct ByteSet: Hashable, Sendable {
    private var words: (low: UInt64, ascii: UInt64, third: UInt64, high: UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { insert(byte) }
    }

    init(_ text: String) { self.init(text.utf8) }

    static let all = ByteSet(0...255)
    static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let lower = ByteSet(UInt8(ascii: "a")...UInt8(ascii: "z"))
    static let upper = ByteSet(UInt8(ascii: "A")...UInt8(ascii: "Z"))
    static let word = digits.union(lower).union(upper).union(ByteSet("_"))
    static let space = ByteSet("\t\n\u{c}\r ")

    func contains(_ byte: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return words.low & bit != 0
        case 1: return words.ascii & bit != 0
        case 2: return words.third & bit != 0
        default: return words.high & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.low |= bit
        case 1: words.ascii |= bit
        case 2: words.third |= bit
        default: words.high |= bit
        }
    }

    var bytes: [UInt8] { (0...255).filter(contains) }

    func union(_ other: ByteSet) -> ByteSet { ByteSet((0...255).filter { contains($0) || other.contains($0) }) }

    var inverted: ByteSet { ByteSet((0...255).filter { !contains($0) }) }

    /// With the other case of every letter.
    var foldingCase: ByteSet {
        var folded = self
        for lower in UInt8(ascii: "a")...UInt8(ascii: "z") where contains(lower) || contains(lower ^ 0x20) {
            folded.insert(lower)
            folded.insert(lower ^ 0x20)
        }
        return folded
    }

    /// The byte, when it is just one.
    var only: UInt8? {
        let count = words.low.nonzeroBitCount + words.ascii.nonzeroBitCount + words.third.nonzeroBitCount
            + words.high.nonzeroBitCount
        return count == 1 ? (0...255).first { contains($0) } : nil
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.low)
        hasher.combine(words.ascii)
        hasher.combine(words.third)
        hasher.combine(words.high)
    }
}
