package import MeshModel

extension WarmUp {
    /// The part of its weight that a host has by now: the time it is there over the whole time, to the power of one
    /// over the aggression, and never below the minimum. Source: Envoy's documentation of slow start.
    package func factor(age: Duration) -> Double {
        guard age < duration else { return 1 }
        let time = max(0, age / duration)
        return max(Double(minimumPercent) / 100, Self.root(time, aggression), 0.01)
    }

    /// `x` to the power of `1/n`, for x from 0 to 1, by halving the interval.
    private static func root(_ x: Double, _ n: Double) -> Double {
        guard n > 1, x > 0, x < 1 else { return x }
        // x^(1/n) by the square roots whose exponents add up to 1/n.
        var (result, factor, exponent) = (1.0, x.squareRoot(), 0.5)
        var rest = 1 / n
        for _ in 0..<40 {
            if rest >= exponent {
                rest -= exponent
                result *= factor
            }
            factor = factor.squareRoot()
            exponent /= 2
        }
        return result
    }
}
