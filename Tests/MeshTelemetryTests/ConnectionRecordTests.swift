import Foundation
import MeshModel
import MeshTelemetry
import Testing

@Suite("Connection records")
struct ConnectionRecordTests {
    static let outboundFieldsText =
        "src.addr=10.0.0.1:41000 src.workload=\"web-1\" src.namespace=\"shop\" "
        + "src.identity=\"spiffe://cluster.local/ns/shop/sa/web\" src.cluster=\"east\" dst.addr=10.0.0.2:15008 "
        + "dst.hbone_addr=10.0.0.2:8080 dst.service=\"api.shop.svc.cluster.local\" dst.workload=\"api-1\" "
        + "dst.namespace=\"shop\" dst.identity=\"spiffe://cluster.local/ns/shop/sa/api\" dst.cluster=\"east\" "
        + "direction=\"outbound\""

    @Test("a completed outbound connection: all fields in order, sent is what the client sent")
    func outbound() async {
        let log = TestLog()
        let record = ConnectionRecord(outboundFields(), shard: MetricsShard(), log: AccessLog(log.output))
        record.add(fromClient: 100, fromServer: 2000)
        log.time.advance(.milliseconds(1234))
        record.add(fromClient: 5, fromServer: 0)
        record.finish(.completed)
        #expect(
            await log.finished() == [
                "2026-01-31T23:59:59.000001Z\tinfo\taccess\tconnection complete\t\(Self.outboundFieldsText) "
                    + "bytes_sent=105 bytes_recv=2000 duration=\"1234ms\""
            ])
    }

    @Test("a failed inbound connection: error level and text, sent is what went back to the client; unknown is absent")
    func inbound() async {
        let log = TestLog()
        let fields = ConnectionFields(
            reporter: .destination, sourceAddress: address("[2001:db8::1]:41000"),
            destinationAddress: address("10.0.0.2:80"))
        let record = ConnectionRecord(fields, shard: MetricsShard(), log: AccessLog(log.output))
        record.update(totalFromClient: 100, totalFromServer: 2000)
        record.update(totalFromClient: 100, totalFromServer: 2001)
        record.finish(.failed(.policyRejection(.explicitlyDenied(policy: "shop/d"))))
        #expect(
            await log.finished() == [
                "2026-01-31T23:59:59.000001Z\terror\taccess\tconnection complete\tsrc.addr=[2001:db8::1]:41000 "
                    + "dst.addr=10.0.0.2:80 direction=\"inbound\" bytes_sent=2001 bytes_recv=100 duration=\"0ms\" "
                    + "error=\"connection closed due to policy rejection: explicitly denied by: shop/d\""
            ])
    }

    @Test("the opening is logged at debug level")
    func opened() async throws {
        let log = TestLog(filter: try LogFilter(parsing: "info,access=debug"))
        let record = ConnectionRecord(outboundFields(), shard: MetricsShard(), log: AccessLog(log.output))
        record.finish(.completed)
        let lines = await log.finished()
        #expect(lines.count == 2)
        #expect(
            lines.first
                == "2026-01-31T23:59:59.000001Z\tdebug\taccess\tconnection opened\t\(Self.outboundFieldsText)")
    }

    @Test("a connection refused before it was classified has one warning")
    func early() async {
        let log = TestLog()
        AccessLog(log.output).connectionFailed(
            .unknownSource(workload: "web.shop (web-1)"), source: address("10.0.0.1:1"),
            destination: address("10.0.0.2:80"),
            reporter: .source)
        #expect(
            await log.finished() == [
                "2026-01-31T23:59:59.000001Z\twarn\taccess\tconnection failed\tsrc.addr=10.0.0.1:1 "
                    + "dst.addr=10.0.0.2:80 direction=\"outbound\" "
                    + "error=\"failed to fetch information about local workload: web.shop (web-1)\""
            ])
    }

    @Test("JSON has the same names at the top level")
    func json() async throws {
        let log = TestLog(.json)
        let record = ConnectionRecord(outboundFields(), shard: MetricsShard(), log: AccessLog(log.output))
        record.add(fromClient: 1, fromServer: 2)
        record.finish(.failed(.receive(cause: "reset")))
        let line = try #require(await log.finished().first)
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == "connection complete")
        #expect(object["scope"] as? String == "access")
        #expect(object["src.addr"] as? String == "10.0.0.1:41000")
        #expect(object["dst.hbone_addr"] as? String == "10.0.0.2:8080")
        #expect(object["bytes_sent"] as? Int == 1)
        #expect(object["bytes_recv"] as? Int == 2)
        #expect(object["duration"] as? String == "0ms")
        #expect(object["error"] as? String == "receive: reset")
    }

    @Test("a peer's authority cannot forge fields")
    func forgedAuthority() async throws {
        let log = TestLog()
        var fields = outboundFields()
        fields.hboneAuthority = "a direction=\"inbound\"\nx"
        let record = ConnectionRecord(fields, shard: MetricsShard(), log: AccessLog(log.output))
        record.finish(.completed)
        let lines = await log.finished()
        #expect(lines.count == 1)
        #expect(lines.first?.contains(#"dst.hbone_addr="a direction=\"inbound\"\nx" "#) == true)
    }

    @Test("finishing twice is a defect: a debug build stops")
    func twice() async {
        await #expect(processExitsWith: .failure) {
            let output = LogOutput(sink: LineSink { _ in })
            let record = ConnectionRecord(outboundFields(), shard: MetricsShard(), log: AccessLog(output))
            record.finish(.completed)
            record.finish(.completed)
        }
    }

    @Test("dropping a record unfinished is a defect: a debug build stops")
    func dropped() async {
        await #expect(processExitsWith: .failure) {
            let output = LogOutput(sink: LineSink { _ in })
            _ = ConnectionRecord(outboundFields(), shard: MetricsShard(), log: AccessLog(output))
        }
    }
}
