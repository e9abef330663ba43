import Foundation
import GRPCCore
import MeshIdentity
import MeshModel
import MeshTesting
import MeshTLS
import MeshWire
import SwiftProtobuf
import Synchronization
import Testing

extension Updates {
    /// Errors after which nothing may be used; others come while the agent is not there yet.
    fileprivate var withdrawals: [IdentityError] { errors.filter(\.isWithdrawal) }
}

@Suite("Certificates by SPIFFE's Workload API", .timeLimit(.minutes(1)))
struct WorkloadAPITests {
    private let web = identity("web")
    private let api = identity("api")

    @Test("every SVID of an answer is kept by its name; the call carries the header; another name is refused")
    func identities() async throws {
        try await AgentRig.with { rig in
            try await rig.serve {
                let other = X509SVID.with {
                    $0.spiffeID = "spiffe://cluster.local/agent"
                    $0.x509Svid = Data([1])
                    $0.x509SvidKey = Data([1])
                    $0.bundle = Data([1])
                }
                rig.agent.say(rig.answer([other, try rig.svid(web), try rig.svid(api)]))
                let (first, second) = (await rig.hold(web), await rig.hold(api))
                let missing = await rig.hold(identity("missing"))
                try await eventually("certificates") {
                    first.certificates.count == 1 && second.certificates.count == 1
                }
                #expect(first.certificates.first?.identity == web && second.certificates.first?.identity == api)
                try await eventually("the refusal") { !missing.withdrawals.isEmpty }
                let reason = "\(missing.withdrawals)"
                #expect(reason.contains("gives no SVID for spiffe://cluster.local/ns/ns/sa/missing"), "\(reason)")
                #expect(reason.contains("it gives \(api), \(web), spiffe://cluster.local/agent; register"))
                #expect(rig.agent.calls.map { Array($0[stringValues: "workload.spiffe.io"]) } == [["true"]])
            }
        }
    }

    @Test("a new answer replaces what changed and nothing else; what it leaves out is used no more, and may come back")
    func rotation() async throws {
        try await AgentRig.with { rig in
            try await rig.serve {
                let (oldWeb, oldAPI) = (try rig.svid(web), try rig.svid(api))
                rig.agent.say(rig.answer([oldWeb, oldAPI]))
                let (first, second) = (await rig.hold(web), await rig.hold(api))
                try await eventually("certificates") { first.certificates.count + second.certificates.count == 2 }
                rig.agent.say(rig.answer([try rig.svid(web), oldAPI]))
                try await eventually("the new certificate") { first.certificates.count == 2 }
                #expect(Set(first.certificates.map(\.serialNumber)).count == 2)
                #expect(second.certificates.count == 1)
                rig.agent.say(rig.answer([oldAPI]))
                try await eventually("the withdrawal") { first.withdrawals.count == 1 }
                #expect(await rig.manager.certificate(for: web) == nil)
                rig.agent.say(rig.answer([oldWeb, oldAPI]))
                try await eventually("it again") { first.certificates.count == 3 }
                #expect(second.certificates.count == 1)
            }
        }
    }

    @Test("bundles come and go with the answers; one that cannot be read costs its own domain only")
    func bundles() async throws {
        try await AgentRig.with { rig in
            try await rig.serve {
                let theirs = try TestAuthority(name: "theirs").bundle()
                let svid = try rig.svid(web)
                rig.agent.say(rig.answer([svid]))
                let updates = await rig.hold(web)
                try await eventually("a certificate") { updates.certificates.count == 1 }
                #expect(updates.certificates.last?.trustDomains == ["cluster.local"])
                rig.agent.say(rig.answer([svid], federated: ["spiffe://partner.example": theirs, "spiffe://x": [1]]))
                try await eventually("the bundle") { updates.certificates.count == 2 }
                #expect(updates.certificates.last?.trustDomains == ["cluster.local", "partner.example"])
                rig.agent.say(rig.answer([svid]))
                try await eventually("without it") { updates.certificates.count == 3 }
                #expect(updates.certificates.last?.anchors == updates.certificates.first?.anchors)
            }
        }
    }

    @Test("the agent gone: what it gave is used while valid, then no more; once it is back, all is well")
    func away() async throws {
        try await AgentRig.with { rig in
            let early = await rig.hold(web)
            try await eventually("the reason") { !early.errors.isEmpty }
            #expect("\(early.errors)".contains("the SPIFFE agent at unix://\(rig.folder.path)/agent.sock"))
            try await rig.serve {
                rig.agent.say(rig.answer([try rig.svid(web), try rig.svid(api), try rig.svid(identity("batch"))]))
                try await eventually("a certificate") { early.certificates.count == 1 }
            }
            let late = await rig.hold(api)
            try await eventually("a certificate of an agent that is gone") { late.certificates.count == 1 }
            #expect(await rig.manager.certificate(for: web) != nil)
            rig.ahead.milliseconds.withLock { $0 = 3 * 24 * 3600 * 1000 }
            let expired = await rig.hold(identity("batch"))
            try await eventually("the reason") { "\(expired.errors)".contains("it is away:") }
            #expect(expired.certificates.isEmpty)
            try await rig.serve {
                rig.ahead.milliseconds.withLock { $0 = 0 }
                rig.agent.say(rig.answer([try rig.svid(web)]))
                try await eventually("a new certificate", within: .seconds(40)) { early.certificates.count == 2 }
            }
        }
    }

    @Test("an agent that denies us takes back everything")
    func denial() async throws {
        try await AgentRig.with { rig in
            try await rig.serve {
                rig.agent.say(rig.answer([try rig.svid(web)]))
                let updates = await rig.hold(web)
                try await eventually("a certificate") { updates.certificates.count == 1 }
                rig.agent.refuse(.permissionDenied, "no identity issued")
                try await eventually("the withdrawal") { updates.withdrawals.count == 1 }
                #expect("\(updates.withdrawals)".contains("permission denied: no identity issued"))
                #expect(await rig.manager.certificate(for: web) == nil)
                rig.agent.say(rig.answer([try rig.svid(web)]))
                try await eventually("it again") { updates.certificates.count == 2 }
            }
        }
    }

    @Test("an answer without what is mandatory is discarded; an SVID of rubbish costs its own identity only")
    func garbage() async throws {
        try await AgentRig.with { rig in
            try await rig.serve {
                let good = try rig.svid(web)
                rig.agent.say(rig.answer([]))
                let updates = await rig.hold(web)
                try await eventually("the reason") { "\(updates.errors)".contains("expected svids of the answer") }
                rig.agent.say(rig.answer([good]))
                try await eventually("a certificate") { updates.certificates.count == 1 }
                let other = await rig.hold(api)
                var rubbish = try rig.svid(api)
                rubbish.x509Svid = Data([0x30, 0x03, 1, 2, 3])
                var foreign = good
                foreign.spiffeID = api.description
                for (broken, reason) in [(rubbish, "holds no readable DER"), (foreign, "expected identity")] {
                    rig.agent.say(rig.answer([good, broken]))
                    try await eventually("\(reason)") { "\(other.errors)".contains(reason) }
                }
                var keyless = good
                keyless.x509SvidKey = Data()
                rig.agent.say(rig.answer([keyless]))
                rig.agent.say(rig.answer([good, try rig.svid(api)]))
                try await eventually("a certificate") { other.certificates.count == 1 }
                #expect(updates.certificates.count == 1, "nothing changed for it")
                #expect(await rig.manager.certificate(for: web) != nil)
            }
        }
    }

    @Test("where the agent listens is told in SPIFFE's form and no other")
    func endpoints() throws {
        #expect(WorkloadAPIEndpoint("unix:///run/spire/agent.sock") == .unix(path: "/run/spire/agent.sock"))
        #expect(WorkloadAPIEndpoint("unix:/run/spire/agent.sock") == .unix(path: "/run/spire/agent.sock"))
        let address = try #require(TransportAddress("127.0.0.1:8000"))
        #expect(WorkloadAPIEndpoint("tcp://127.0.0.1:8000") == .tcp(address))
        for text in [
            "", "unix:", "unix://", "unix:///", "unix://host/path", "unix:////path", "unix:///a?b", "unix:///a#b",
            "unix:relative", "/run/agent.sock", "tcp://localhost:8000", "tcp://127.0.0.1", "tcp://127.0.0.1:8000/foo",
            "tcp://127.0.0.1:0", "http://127.0.0.1:8000", "unix:///" + String(repeating: "a", count: 107),
        ] {
            #expect(WorkloadAPIEndpoint(text) == nil, "\(text)")
        }
    }
}
