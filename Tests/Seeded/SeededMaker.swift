/// Makes values of a test by chance, from its generator alone.
package protocol SeededMaker {
    var generator: SeededGenerator { get set }
}

extension SeededMaker {
    /// True in so many cases of so many.
    package mutating func chance(_ part: Int, of whole: Int) -> Bool {
        Int.random(in: 0..<whole, using: &generator) < part
    }

    /// One of the values; the standard when there are none.
    package mutating func pick<Value>(_ values: [Value], or standard: Value) -> Value {
        values.randomElement(using: &generator) ?? standard
    }

    /// `least` to `most` values, each made in its turn.
    package mutating func list<Value>(
        _ most: Int, from least: Int = 0, _ make: (inout Self) throws -> Value
    ) rethrows -> [Value] {
        try (0..<Int.random(in: least...most, using: &generator)).map { _ in try make(&self) }
    }
}
