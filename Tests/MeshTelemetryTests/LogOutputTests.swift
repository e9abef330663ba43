import Foundation
import Logging
import MeshTelemetry
import Testing

@Suite("Log lines of swift-log")
struct LogOutputTests {
    private struct Named: CustomStringConvertible { let description: String }

    @Test("text lines are tab separated; strings are quoted, values bare")
    func text() async {
        let log = TestLog()
        var logger = log.output.logger("ztunnel::proxy")
        logger[metadataKey: "pod"] = "shop/web"
        logger.info(
            "ready", metadata: ["port": "\(15008)", "peer": .stringConvertible(Named(description: "10.0.0.1:80"))])
        logger.warning("odd")
        #expect(
            await log.finished() == [
                "2026-01-31T23:59:59.000001Z\tinfo\tztunnel::proxy\tready\t"
                    + "peer=10.0.0.1:80 pod=\"shop/web\" port=\"15008\"",
                "2026-01-31T23:59:59.000001Z\twarn\tztunnel::proxy\todd\tpod=\"shop/web\"",
            ])
    }

    @Test("no value and no message can forge a field or a line")
    func forgery() async {
        let log = TestLog()
        let logger = log.output.logger("x")
        logger.info(
            "a\nb\tc",
            metadata: ["k": .stringConvertible(Named(description: "v error=\"none\"\n")), "q": "1\" z=\"2\u{7f}"])
        #expect(
            await log.finished() == [
                #"2026-01-31T23:59:59.000001Z"# + "\tinfo\tx\t"
                    + #""a\nb\tc""# + "\t" + #"k="v error=\"none\"\n" q="1\" z=\"2\u007f""#
            ])
    }

    @Test("JSON lines are objects whose strings survive any characters")
    func json() async throws {
        let log = TestLog(.json)
        let logger = log.output.logger("xds")
        let nasty =
            String(String.UnicodeScalarView((0...0x2ff).compactMap { Unicode.Scalar($0) })) + "\u{2028}\u{1f600}"
        logger.error(
            "\(nasty)", metadata: ["list": ["a", .dictionary(["k": .string(nasty)])], "n": .stringConvertible(5)])
        let line = try #require(await log.finished().first)
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == nasty)
        #expect(object["level"] as? String == "error")
        #expect(object["scope"] as? String == "xds")
        #expect(object["time"] as? String == "2026-01-31T23:59:59.000001Z")
        let list = try #require(object["list"] as? [Any])
        #expect(list.first as? String == "a")
        #expect((list.last as? [String: String])?["k"] == nasty)
        #expect(line.hasPrefix(#"{"level":"error","time":"#))
    }

    @Test("a change of levels is in force at once for loggers already made")
    func levels() async throws {
        let log = TestLog()
        let logger = log.output.logger("pool")
        logger.debug("hidden")
        log.output.setFilter(try LogFilter(parsing: "info,pool=debug"))
        logger.debug("shown")
        log.output.setFilter(try LogFilter(parsing: "off"))
        logger.critical("hidden too")
        log.output.resetFilter()
        logger.info("back")
        logger.debug("hidden again")
        let messages = await log.finished().map { $0.split(separator: "\t").last.map(String.init) }
        #expect(messages == ["shown", "back"])
    }

    @Test("a value too long is cut between characters")
    func cut() async throws {
        let log = TestLog(.json)
        log.output.logger("x").info("m", metadata: ["long": .string(String(repeating: "\u{e9}", count: 5000))])
        let line = try #require(await log.finished().first)
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let value = try #require(object["long"] as? String)
        #expect(value.hasSuffix("\u{e9}..."))
        #expect(value.utf8.count == TelemetryLimits.logValueBytesMax + 3)
    }
}
