/// Seconds since 1970 as people read them.
package enum UnixTime {
    /// RFC 3339 in UTC with whole seconds, e.g. `2026-01-31T09:05:00Z`.
    package static func text(_ seconds: Int64) -> String {
        let days = seconds.dividedRoundingDown(by: 86_400)
        let inDay = seconds - days * 86_400
        let (year, month, day) = civil(days)
        let time = [inDay / 3_600, inDay / 60 % 60, inDay % 60].map(twoDigits).joined(separator: ":")
        return "\(year)-\(twoDigits(month))-\(twoDigits(day))T\(time)Z"
    }

    /// Days since 1970-01-01 to a Gregorian date. Years start in March here, so that the leap day comes last.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.dividedRoundingDown(by: 146_097)
        let inEra = shifted - era * 146_097
        let yearInEra = (inEra - inEra / 1_460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * yearInEra + yearInEra / 4 - yearInEra / 100)
        let marchMonth = (5 * inYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearInEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, inYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func twoDigits(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

extension Int64 {
    fileprivate func dividedRoundingDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
