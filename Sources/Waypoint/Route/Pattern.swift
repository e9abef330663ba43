/// Why a regular expression is not accepted. The text says where.
package enum PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Longer than 4,096 bytes.
    case tooLong
    /// Compiles to more than ``Pattern/instructionsMax`` instructions.
    case tooLarge
    /// Groups nested deeper than 64.
    case tooDeep
    /// Of a dialect that takes more than linear time, or simply not known.
    case unsupported(String)
    case malformed(String)

    package var description: String {
        switch self {
        case .tooLong: "longer than \(Pattern.textBytesMax) bytes"
        case .tooLarge: "needs more than \(Pattern.instructionsMax) instructions"
        case .tooDeep: "groups are nested deeper than \(PatternParser.depthMax)"
        case .unsupported(let what): "not supported: \(what)"
        case .malformed(let what): "malformed: \(what)"
        }
    }
}

/// A regular expression that a whole value must match, run as a set of states that walks over the bytes once: its time
/// is bounded by instructions times bytes, whatever the expression and whatever the value (K. Thompson, 1968).
///
/// The dialect is the part of RE2 that people write for paths and headers: literals, `.`, classes (`[a-z]`, `\d`,
/// `[[:alpha:]]`), groups (none captures), `|`, `*`, `+`, `?`, `{m,n}`, `^`, `$`, `\b`, flags `i` and `s`. It sees
/// bytes: `.` and a negated class take one byte of a longer character.
package struct Pattern: Hashable, Sendable {
    package static let textBytesMax = 4096
    package static let instructionsMax = 1000

    enum Instruction: Hashable, Sendable {
        /// Takes a byte of a set, goes on with the next instruction.
        case take(Int)
        case split(Int, Int)
        case jump(Int)
        case assert(Assertion)
        case accept
    }

    enum Assertion: Hashable, Sendable {
        case start, end, wordBoundary, noWordBoundary
    }

    package let text: String
    let program: [Instruction]
    let sets: [ByteSet]
    /// Bytes that every match begins with.
    let literalPrefix: [UInt8]

    /// - Throws: ``PatternError``.
    package init(_ text: String) throws(PatternError) {
        guard text.utf8.count <= Self.textBytesMax else { throw .tooLong }
        var parser = PatternParser(text)
        let root = try parser.parse()
        guard root.instructionCount + 1 <= Self.instructionsMax else { throw .tooLarge }
        var compiler = PatternCompiler()
        compiler.emit(root)
        compiler.program.append(.accept)
        self.text = text
        program = compiler.program
        sets = compiler.sets
        literalPrefix = root.literalPrefix
    }

    /// Whether all of the bytes match.
    package func matches(_ bytes: ArraySlice<UInt8>) -> Bool {
        var steps = 0
        return matches(bytes, steps: &steps)
    }

    /// As ``matches(_:)``. Adds to `steps` one for every instruction looked at: never more than the instructions times
    /// one more than the bytes, counted twice.
    package func matches(_ bytes: ArraySlice<UInt8>, steps: inout Int) -> Bool {
        guard bytes.starts(with: literalPrefix) else { return false }
        var run = PatternRun(pattern: self, bytes: bytes)
        defer { steps += run.steps }
        return run.matches()
    }
}

/// One walk over some bytes.
private struct PatternRun {
    let pattern: Pattern
    let bytes: ArraySlice<UInt8>
    var steps = 0
    /// Instructions that wait for the byte at the current place, and for the one behind it.
    private var current: [Int] = []
    private var next: [Int] = []
    /// For each instruction, the round in which it was last added.
    private var rounds: [Int]
    private var stack: [Int] = []

    init(pattern: Pattern, bytes: ArraySlice<UInt8>) {
        self.pattern = pattern
        self.bytes = bytes
        rounds = [Int](repeating: -1, count: pattern.program.count)
        current.reserveCapacity(pattern.program.count)
        next.reserveCapacity(pattern.program.count)
    }

    mutating func matches() -> Bool {
        var accepted = add(0, at: bytes.startIndex, round: 0)
        swap(&current, &next)
        for (offset, byte) in bytes.enumerated() {
            if current.isEmpty { return false }
            accepted = false
            next.removeAll(keepingCapacity: true)
            for instruction in current {
                steps += 1
                guard case .take(let set) = pattern.program[instruction], pattern.sets[set].contains(byte) else {
                    continue
                }
                let isAccepting = add(instruction + 1, at: bytes.startIndex + offset + 1, round: offset + 1)
                accepted = accepted || isAccepting
            }
            swap(&current, &next)
        }
        return accepted
    }

    /// Adds an instruction and what follows from it without a byte. Each is added once in a round.
    /// - Returns: whether the end of the expression is among them.
    private mutating func add(_ start: Int, at place: Int, round: Int) -> Bool {
        var accepted = false
        stack.append(start)
        while let instruction = stack.popLast() {
            guard rounds[instruction] != round else { continue }
            rounds[instruction] = round
            steps += 1
            switch pattern.program[instruction] {
            case .take: next.append(instruction)
            case .jump(let target): stack.append(target)
            case .split(let one, let other):
                stack.append(one)
                stack.append(other)
            case .assert(let assertion): if holds(assertion, at: place) { stack.append(instruction + 1) }
            case .accept: accepted = true
            }
        }
        return accepted
    }

    private func holds(_ assertion: Pattern.Assertion, at place: Int) -> Bool {
        let isWord = { (index: Int) in
            bytes.indices.contains(index) && ByteSet.word.contains(bytes[index])
        }
        switch assertion {
        case .start: return place == bytes.startIndex
        case .end: return place == bytes.endIndex
        case .wordBoundary: return isWord(place - 1) != isWord(place)
        case .noWordBoundary: return isWord(place - 1) == isWord(place)
        }
    }
}
