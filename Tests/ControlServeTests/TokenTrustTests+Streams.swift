import ControlServe
import ControlTranslate
import GRPCCore
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

/// What becomes of the pod `apus-system/ztunnel-2` while its streams run.
enum PodEnd: CaseIterable {
    case gone, replaced, over

    var words: String {
        switch self {
        case .gone: "is not known"
        case .replaced: "with uid uid-after"
        case .over: "has ended"
        }
    }

    func apply(to resources: inout ResourceSet) {
        for index in resources.pods.indices.reversed() where resources.pods[index].metadata.name == "ztunnel-2" {
            switch self {
            case .gone: resources.pods.remove(at: index)
            case .replaced: resources.pods[index].metadata.uid = "uid-after"
            case .over: resources.pods[index].phase = .failed
            }
        }
    }
}

/// A stream outlives the look at its token, but not the token's pod.
extension TokenTrustTests {
    @Test("streams end with the pod of their token, others go on", arguments: PodEnd.allCases)
    func podGone(end: PodEnd) async throws {
        try await Self.plane { plane, client, _ in
            try await OpenStream.open(client, Self.bearer("one")) { other in
                var others = other.responses.makeAsyncIterator()
                other.requests.yield(request(policyURL))
                #expect(await others.next()?.typeURL == policyURL)
                async let discovery = Self.failure {
                    try await OpenStream.open(client, Self.bearer("two")) { stream in
                        stream.requests.yield(request(policyURL))
                        for await _ in stream.responses {}
                    }
                }
                async let enrolment = Self.failure {
                    try await Enrolment.Client(wrapping: client).synchronize(metadata: Self.bearer("two")) { writer in
                        try await writer.write(.with { $0.node = "two" })
                        try await Task.sleep(for: .seconds(30))
                    } onResponse: { response in
                        for try await _ in response.messages {}
                    }
                }
                try await Self.until { plane.metrics.value(.discoveryStreams) == 2 }
                try await Self.until { plane.metrics.value(.enrolmentStreams) == 1 }
                var resources = Self.resources
                end.apply(to: &resources)
                await plane.desk.resourcesChanged(resources, findings: [])
                for error in await [discovery, enrolment] {
                    #expect(error?.code == .unauthenticated)
                    #expect(error?.message.contains("the stream of node two ends") == true, "\(error?.message ?? "")")
                    #expect(error?.message.contains(end.words) == true, "\(error?.message ?? "")")
                }
                #expect(plane.metrics.value(.streamsDistrusted) == 2)
                #expect(plane.metrics.value(.discoveryStreams) == 1)
            }
        }
    }

    private static func until(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition(), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
        try #require(condition())
    }

    private static func failure(_ body: () async throws -> Void) async -> RPCError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? RPCError
        }
    }
}
