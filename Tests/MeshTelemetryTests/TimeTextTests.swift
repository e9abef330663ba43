import Foundation
import Logging
import MeshTelemetry
import Testing

@Suite("Time in log lines")
struct TimeTextTests {
    private func line(at microseconds: Int64) async -> String {
        let capture = Capture()
        let output = LogOutput(
            sink: LineSink { capture.take($0) },
            clock: TelemetryClock(wallMicroseconds: { microseconds }, monotonic: { ContinuousClock.now }))
        output.logger("x").info("m")
        await output.sink.close()
        return capture.lines.first.flatMap { $0.split(separator: "\t").first.map(String.init) } ?? ""
    }

    @Test(
        "times are RFC 3339 in UTC with microseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"), (Int64.max, "9999-12-31T23:59:59.999999Z"),
            (Int64.min, "0000-01-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func known(microseconds: Int64, expected: String) async {
        #expect(await line(at: microseconds) == expected)
    }

    @Test("every day of 400 years has the date that Foundation gives it")
    func calendar() async throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        // A step prime to 7, 30, 365 and 1461 meets all kinds of days.
        for day in stride(from: -40_000, to: 110_000, by: 1237) {
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(day) * 86_400))
            let text = [parts.year, parts.month, parts.day].map { String($0 ?? 0) }
            let padded = text.map { $0.count < 2 ? "0\($0)" : $0 }.joined(separator: "-")
            #expect(await line(at: Int64(day) * 86_400_000_000).hasPrefix(padded), "day \(day)")
        }
    }
}
