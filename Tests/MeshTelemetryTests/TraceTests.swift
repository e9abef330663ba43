import MeshModel
import Testing

@testable import MeshTelemetry

@Suite("Traces of requests")
struct TraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    private func read(_ fields: [String: String]) -> TraceHeaders { TraceHeaders { fields[$0] } }

    @Test("a W3C parent is believed, with its decision and its state")
    func w3c() {
        let headers = read(["traceparent": "00-\(Self.trace)-\(Self.span)-01", "tracestate": "a=1,b=2"])
        #expect(headers.parent?.traceID.description == Self.trace && headers.parent?.spanID.description == Self.span)
        #expect(headers.decision == true && headers.parent?.state == "a=1,b=2" && headers.families == [.tracecontext])
        #expect(read(["traceparent": "00-\(Self.trace)-\(Self.span)-00"]).decision == false)
        #expect(read(["traceparent": "01-\(Self.trace)-\(Self.span)-03-later"]).decision == true)
    }

    @Test("a W3C parent that breaks the rules is none", arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-x", "ff-\(trace)-\(span)-01", "00-\(trace)-\(span)-1",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(span)-01", "00-\(trace)-\(span)-0g", " 00-\(trace)-\(span)-01",
        "0-\(trace)-\(span)-01", "00-\(trace)0-\(span)-01",
    ])
    func brokenW3C(text: String) {
        #expect(read(["traceparent": text]) == TraceHeaders())
    }

    @Test("B3 in one field", arguments: [
        ("\(trace)-\(span)-1-05e3ac9a4f6e3b90", true), ("\(trace)-\(span)-d", true), ("\(trace)-\(span)-0", false),
        ("\(trace)-\(span)", nil), ("a3ce929d0e0e4736-\(span)-1", true),
    ] as [(String, Bool?)])
    func b3(text: String, decision: Bool?) {
        let headers = read(["b3": text])
        #expect(headers.parent?.spanID.description == Self.span && headers.decision == decision)
        #expect(headers.families == [.b3])
    }

    @Test("B3 in many fields, and decisions without a trace")
    func b3Multi() {
        let fields = ["x-b3-traceid": Self.trace, "x-b3-spanid": Self.span]
        #expect(read(fields).decision == nil && read(fields).parent?.traceID.description == Self.trace)
        #expect(read(fields.merging(["x-b3-sampled": "0"]) { $1 }).decision == false)
        #expect(read(fields.merging(["x-b3-sampled": "0", "x-b3-flags": "1"]) { $1 }).decision == true)
        let denied = read(["b3": "0"])
        #expect(denied.parent == nil && denied.decision == false)
        #expect(read(["x-b3-sampled": "1"]).decision == true)
        #expect(read(["b3": "x"]) == TraceHeaders() && read(["x-b3-traceid": "x"]) == TraceHeaders())
    }

    @Test("the W3C parent wins; all families that came are answered")
    func precedence() throws {
        let headers = read([
            "traceparent": "00-\(Self.trace)-\(Self.span)-01", "b3": "0", "x-b3-traceid": "00000000000000aa",
            "x-b3-spanid": "00000000000000bb",
        ])
        #expect(headers.parent?.traceID.description == Self.trace && headers.decision == true)
        #expect(headers.families == [.tracecontext, .b3, .b3multi])
        let context = try #require(headers.parent).with(try #require(SpanID(0xcc)))
        let fields = TraceHeaders.fields(context, parent: headers.parent?.spanID, in: headers.families)
        let byName = Dictionary(uniqueKeysWithValues: fields)
        #expect(byName["traceparent"] == "00-\(Self.trace)-00000000000000cc-01" && byName["tracestate"] == nil)
        #expect(byName["b3"] == "\(Self.trace)-00000000000000cc-1-\(Self.span)")
        #expect(byName["x-b3-parentspanid"] == Self.span && byName["x-b3-sampled"] == "1")
        // What we write, we read.
        #expect(read(byName).parent == context)
        #expect(Set(byName.keys).isSubset(of: Set(TraceHeaders.names)))
    }

    @Test("a state that is too long is left out")
    func longState() {
        let state = String(repeating: "a", count: TelemetryLimits.traceStateBytesMax + 1)
        let headers = read(["traceparent": "00-\(Self.trace)-\(Self.span)-01", "tracestate": state])
        #expect(headers.parent?.state == "")
    }

    @Test("any text is read without harm")
    func anyText() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("0123456789abcdef-dxZ \u{e9}".unicodeScalars)
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...70, using: &generator) {
                text.unicodeScalars.append(letters[Int.random(in: 0..<letters.count, using: &generator)])
            }
            let headers = TraceHeaders { _ in text }
            if let parent = headers.parent {
                #expect(parent.traceID.high != 0 || parent.traceID.low != 0)
            }
        }
    }

    @Test("the caller's decision is kept; ours follows from the id of the request or from chance")
    func sampling() throws {
        var generator = SystemRandomNumberGenerator()
        let never = TraceSettings(samplingHundredths: 0)
        let always = TraceSettings(samplingHundredths: 10_000)
        let yes = read(["traceparent": "00-\(Self.trace)-\(Self.span)-01"])
        let no = read(["traceparent": "00-\(Self.trace)-\(Self.span)-00"])
        #expect(never.decides(yes, requestID: nil, using: &generator))
        #expect(!always.decides(no, requestID: nil, using: &generator))
        #expect(always.decides(TraceHeaders(), requestID: nil, using: &generator))
        #expect(!never.decides(TraceHeaders(), requestID: nil, using: &generator))
        // 0x186ab is 100,011: share 11.
        let id = RequestID("000186ab-0000-4000-8000-000000000000")
        #expect(TraceSettings(samplingHundredths: 12).decides(TraceHeaders(), requestID: id, using: &generator))
        #expect(!TraceSettings(samplingHundredths: 11).decides(TraceHeaders(), requestID: id, using: &generator))
        var chosen = 0
        let tenth = TraceSettings(samplingHundredths: 1000, usesRequestID: false)
        for _ in 0..<4000 where tenth.decides(TraceHeaders(), requestID: id, using: &generator) { chosen += 1 }
        #expect((250...550).contains(chosen), "\(chosen)")
    }

    @Test("ids of requests are UUIDs of version 4, and tell of sampling as Envoy's do")
    func requestIDs() {
        var generator = SystemRandomNumberGenerator()
        var seen: Set<String> = []
        for _ in 0..<100 {
            let id = RequestID(using: &generator)
            let groups = id.text.split(separator: "-").map(\.count)
            #expect(groups == [8, 4, 4, 4, 12] && Array(id.text)[14] == "4" && "89ab".contains(Array(id.text)[19]))
            #expect(Array(id.sampled.text)[14] == "9" && id.sampled.text.prefix(14) == id.text.prefix(14))
            seen.insert(id.text)
        }
        #expect(seen.count == 100)
        #expect(RequestID("mine").sampled.text == "mine")
    }

    @Test("a sampled request has a server's span and one of a client for each attempt")
    func spans() throws {
        var record = RequestRecord(client: address("10.0.0.1:5"), identity: workload("web", namespace: "shop").identity)
        record.startMicroseconds = 100
        record.method = "GET"
        record.path = "/" + String(repeating: "x", count: 1000)
        record.authority = "api"
        record.status = 503
        record.flag = "UF,URX"
        record.cluster = RequestCluster(isOwn: true, port: 80, host: "api")
        record.requestID = "id"
        record.traceParent = SpanID(9)
        record.trace = TraceContext(
            traceID: try #require(TraceID(high: 0, low: 1)), spanID: try #require(SpanID(2)), isSampled: true)
        record.tracedAttempts = [
            RequestAttempt(spanID: SpanID(3), startMicroseconds: 110),
            RequestAttempt(spanID: SpanID(4), startMicroseconds: 120),
        ]
        record.tracedAttempts[0].endMicroseconds = 115
        let origin = SpanOrigin(
            nodeID: "waypoint~10.0.0.9~waypoint-0.shop~shop.svc.cluster.local", canonicalService: "waypoint",
            canonicalRevision: "latest", namespace: "shop", clusterID: "east", meshID: "cluster.local")
        func made(_ record: RequestRecord) -> [Span] {
            let party = ConnectionParty(workload("web", namespace: "shop"), identity: nil)
            return RequestSpans(record, source: party, destination: nil, origin: origin).spans(endMicroseconds: 200)
        }
        let spans = made(record)
        #expect(spans.map(\.kind) == [.server, .client, .client])
        #expect(spans.map(\.parent?.raw) == [9, 2, 2] && spans.map(\.context.spanID.raw) == [2, 3, 4])
        #expect(spans.map(\.endMicroseconds) == [200, 115, 200] && spans.allSatisfy(\.isError))
        #expect(spans[0].name == "api/*" && spans[1].name == "router inbound-vip|80|http|api egress")
        let values = Dictionary(uniqueKeysWithValues: spans[0].attributes.map { ($0.name, $0.value) })
        #expect(values["http.status_code"] == .number(503) && values["response_flags"] == .text("UF,URX"))
        #expect(values["istio.source_workload"] == .text("web") && values["istio.mesh_id"] == .text("cluster.local"))
        #expect(values["guid:x-request-id"] == .text("id") && values["error"] == .flag(true))
        #expect(values["component"] == .text("proxy") && values["node_id"] == .text(origin.nodeID))
        guard case .text(let url)? = values["http.url"] else { Issue.record("no http.url"); return }
        #expect(url.utf8.count == TelemetryLimits.spanValueBytesMax)
        record.trace?.isSampled = false
        #expect(made(record).isEmpty)
    }
}
