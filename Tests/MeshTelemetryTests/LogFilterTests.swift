import MeshTelemetry
import Testing

@Suite("Log levels")
struct LogFilterTests {
    @Test("the longest named prefix of a target decides")
    func prefixes() throws {
        let filter = try LogFilter(parsing: "warn,ztunnel=debug, ztunnel::pool = trace ,access=off")
        #expect(filter.level(for: "xds") == .warn)
        #expect(filter.level(for: "ztunnel") == .debug)
        #expect(filter.level(for: "ztunnel::proxy") == .debug)
        #expect(filter.level(for: "ztunnel::pool::x") == .trace)
        #expect(filter.level(for: "access") == .off)
        #expect(filter.description == "warn,access=off,ztunnel=debug,ztunnel::pool=trace")
        #expect(try LogFilter(parsing: filter.description) == filter)
    }

    @Test("levels are read in any case, and the empty text is the default")
    func levels() throws {
        #expect(try LogFilter(parsing: "DEBUG").standard == .debug)
        #expect(try LogFilter(parsing: "Warning").standard == .warn)
        #expect(try LogFilter(parsing: "").standard == .info)
    }

    @Test("a clause that cannot be read is named", arguments: ["loud", "a=b=c", "=info", "a=", "info,ztunnel"])
    func refused(text: String) {
        #expect(throws: LogFilterError.self) { try LogFilter(parsing: text) }
    }

    @Test("a wrong clause leaves the filter unchanged")
    func atomicMerge() {
        var filter = LogFilter(.warn)
        #expect(throws: LogFilterError(clause: "bad")) { try filter.merge("debug,bad") }
        #expect(filter == LogFilter(.warn))
    }

    @Test("clauses pile up only to their limit")
    func bounded() {
        var filter = LogFilter()
        #expect(throws: LogFilterError.self) {
            for number in 0...LogFilter.targetsMax { try filter.merge("t\(number)=debug") }
        }
        #expect(filter.targets.count == LogFilter.targetsMax)
    }
}
