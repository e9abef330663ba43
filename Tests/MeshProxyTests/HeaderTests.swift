import MeshModel
import SeededTesting
import Testing

@testable import MeshProxy

@Suite("The baggage header")
struct BaggageTests {
    private func full(_ type: WorkloadType = .pod) -> Workload {
        var workload = Workload(uid: "u", name: "web-1", namespace: "shop")
        workload.clusterID = "east"
        workload.workloadName = "web"
        workload.workloadType = type
        workload.canonicalName = "web-app"
        workload.canonicalRevision = "v2"
        workload.locality = Locality(region: "r1", zone: "z1", subzone: "s1")
        return workload
    }

    @Test("everything known, in the fixed order")
    func order() {
        #expect(
            Baggage(describing: full()).headerValue
                == "k8s.cluster.name=east,k8s.namespace.name=shop,k8s.pod.name=web,service.name=web-app,"
                + "service.version=v2,cloud.region=r1,cloud.availability_zone=z1")
    }

    @Test("the key of the workload's name says its type", arguments: [
        (WorkloadType.deployment, "k8s.deployment.name=web"), (.cronjob, "k8s.cronjob.name=web"),
        (.pod, "k8s.pod.name=web"), (.job, "k8s.job.name=web"),
    ])
    func type(type: WorkloadType, expected: String) {
        #expect(Baggage(describing: full(type)).headerValue.split(separator: ",").contains(Substring(expected)))
    }

    @Test("what is not known is left out")
    func empty() {
        var workload = Workload(uid: "u", name: "", namespace: "")
        workload.clusterID = ""
        #expect(Baggage(describing: workload).headerValue.isEmpty)
        workload.canonicalName = "web"
        #expect(Baggage(describing: workload).headerValue == "service.name=web")
    }

    @Test("what one node writes the other reads", arguments: [WorkloadType.deployment, .cronjob, .pod, .job])
    func roundTrip(type: WorkloadType) {
        let baggage = Baggage(describing: full(type))
        #expect(Baggage(parsing: baggage.headerValue) == baggage)
    }

    @Test("unknown keys, empty values and what is no pair are skipped", arguments: [
        ("", ""), (",,,", ""), ("=", ""), ("k8s.pod.name", ""), ("k8s.pod.name=", ""), ("other=1", ""),
        ("service.name=a,k8s.pod.name=", "service.name=a"), ("service.name=a=b", "service.name=a=b"),
        ("x=1,service.version=2,y", "service.version=2"),
    ])
    func hostile(header: String, expected: String) {
        #expect(Baggage(parsing: header)?.headerValue == expected)
    }

    @Test("a header that is not ASCII is no header")
    func notASCII() {
        #expect(Baggage(parsing: "service.name=café") == nil)
    }
}

@Suite("The forwarded header")
struct ForwardedHeaderTests {
    @Test("client and service, in both families", arguments: [
        ("1.2.3.4:80", nil, "for=\"1.2.3.4:80\""), ("[2001:db8::1]:80", nil, "for=\"[2001:db8::1]:80\""),
        ("1.2.3.4:80", "a.example.com", "for=\"1.2.3.4:80\";host=a.example.com"),
    ] as [(String, String?, String)])
    func written(client: String, service: String?, expected: String) throws {
        #expect(ForwardedHeader.value(client: try address(client), serviceHostname: service) == expected)
    }

    @Test("the service is read, with quotes and without, wherever it stands", arguments: [
        ("for=\"1.2.3.4:80\";host=a.example.com", "a.example.com"), ("host=\"a\";for=x", "a"), ("HOST=a", "a"),
        ("for=\"1.2.3.4:80\"", nil), ("", nil), ("host=", nil), ("host", nil), ("host=\"\"", nil), (";;;", nil),
        ("host=\"a", "a"),
    ] as [(String, String?)])
    func read(header: String, expected: String?) {
        #expect(ForwardedHeader.serviceHostname(in: header) == expected)
    }
}

@Suite("Trace contexts")
struct TraceParentTests {
    /// Gives the smallest numbers there are.
    private struct Zeros: RandomNumberGenerator {
        mutating func next() -> UInt64 { 0 }
    }

    @Test("version, 32 digits, 16 digits, not sampled")
    func shape() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<100 {
            let trace = TraceParent(using: &generator)
            let parts = trace.headerValue.split(separator: "-")
            #expect(parts.map(\.count) == [2, 32, 16, 2])
            #expect(parts[0] == "00" && parts[3] == "00")
            #expect(trace.headerValue.utf8.allSatisfy { "0123456789abcdef-".utf8.contains($0) })
        }
    }

    @Test("small numbers keep their zeros in front, and no id is all zeros")
    func zeros() {
        var zeros = Zeros()
        let trace = TraceParent(using: &zeros)
        #expect(trace.headerValue == "00-00000000000000010000000000000000-0000000000000001-00")
    }

    @Test("two connections have two contexts")
    func different() {
        var generator = SystemRandomNumberGenerator()
        #expect(TraceParent(using: &generator) != TraceParent(using: &generator))
    }
}
