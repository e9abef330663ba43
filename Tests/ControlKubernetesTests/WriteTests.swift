import MeshModel
import MeshTesting
import Synchronization
import Testing

@testable import ControlKubernetes

@Suite("Writes to the API server")
struct WriteTests {
    private static let lease = ServedKind(
        kind: ResourceKind(kind: "Lease", plural: "leases", group: "coordination.k8s.io", versions: ["v1"]),
        version: "v1")
    private static let place = ObjectPlace(lease, namespace: "istio-system", name: "apusd")

    /// What a fake server heard of one write, and what came of it.
    private func send(
        _ write: APIWrite, seconds: Int? = nil, _ reply: FakeServer.Reply = .whole("{\"kind\":\"Lease\"}")
    ) async throws -> (request: FakeServer.Request?, result: Result<JSONValue, APIFailure>) {
        let server = try await FakeServer { _ in reply }
        let client = try APIClient(
            ClusterConfiguration(
                server: server.url, rootsPEM: nil, client: nil, credentials: .token("secret"), origin: "test"))
        let result: Result<JSONValue, APIFailure>
        do {
            result = .success(try await client.send(write, seconds: seconds))
        } catch {
            result = .failure(error)
        }
        await client.close()
        await server.stop()
        return (server.requests.first, result)
    }

    @Test("each kind of write says what it is, to the right place, with our token")
    func requests() async throws {
        let object: JSONValue = ["metadata": ["labels": ["a": "b"]], "spec": ["holderIdentity": "one"]]
        let path = "/apis/coordination.k8s.io/v1/namespaces/istio-system/leases"
        let kind = "\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\""
        let head = "{\(kind),\"metadata\":{\"labels\":{\"a\":\"b\"}"
        let spec = "\"spec\":{\"holderIdentity\":\"one\"}}"
        let whole = "\(head),\"name\":\"apusd\",\"namespace\":\"istio-system\"},\(spec)"
        let cases: [(APIWrite, method: String, path: String, type: String, body: String)] = [
            (
                .create(object, of: Self.lease, namespace: "istio-system"), "POST", path, "application/json",
                "\(head)},\(spec)"
            ),
            (
                .create([:], of: Self.lease, namespace: nil, dryRun: true), "POST",
                "/apis/coordination.k8s.io/v1/leases?dryRun=All", "application/json",
                "{\(kind)}"
            ),
            (.replace(object, at: Self.place), "PUT", "\(path)/apusd", "application/json", whole),
            (
                .apply(object, at: Self.place, manager: "a/b", subresource: "status"), "PATCH",
                "\(path)/apusd/status?fieldManager=a%2Fb&force=true", "application/apply-patch+yaml", whole
            ),
            (
                .apply(object, at: Self.place, manager: "m", isForced: false, dryRun: true), "PATCH",
                "\(path)/apusd?fieldManager=m&force=false&dryRun=All", "application/apply-patch+yaml", whole
            ),
            (
                .merge(["status": .null], at: Self.place, manager: "m", subresource: "status"), "PATCH",
                "\(path)/apusd/status?fieldManager=m", "application/merge-patch+json", "{\"status\":null}"
            ),
            (
                .delete(Self.place, uid: "u", revision: "7", propagation: .foreground), "DELETE", "\(path)/apusd",
                "application/json",
                "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"resourceVersion\":\"7\","
                    + "\"uid\":\"u\"},\"propagationPolicy\":\"Foreground\"}"
            ),
        ]
        for (write, method, path, type, body) in cases {
            let (request, result) = try await send(write)
            #expect(result == .success(["kind": "Lease"]))
            #expect(request?.method == method && request?.path == path && request?.contentType == type)
            #expect(request?.body == body)
            #expect(request?.authorization == "Bearer secret")
        }
    }

    @Test("201 and 202 are successes")
    func success() async throws {
        for status in [200, 201, 202] {
            let (_, result) = try await send(.delete(Self.place), .whole("{}", status: status))
            #expect(result == .success([:]))
        }
    }

    private static func status(_ code: Int, _ reason: String = "", fields: String = "") -> FakeServer.Reply {
        .whole(
            "{\"kind\":\"Status\",\"code\":\(code),\"reason\":\"\(reason)\",\"message\":\"no\"}", status: code,
            fields: fields)
    }

    @Test("every refusal has its name")
    func refusals() async throws {
        let cases: [(FakeServer.Reply, APIFailure, isPassing: Bool)] = [
            (Self.status(400), .invalid("no"), false),
            (Self.status(401), .unauthorized, true),
            (Self.status(403), .forbidden("no"), false),
            (Self.status(404), .missing, false),
            (Self.status(409, "Conflict"), .conflict("no"), false),
            (Self.status(409, "AlreadyExists"), .exists, false),
            (Self.status(410), .expired, false),
            (Self.status(415), .status(415, "no"), false),
            (Self.status(422, "Invalid"), .invalid("no"), false),
            (Self.status(429, fields: "Retry-After: 3\r\n"), .busy(retryAfterSeconds: 3), true),
            (Self.status(500), .status(500, "no"), true),
            (Self.status(503, fields: "Retry-After: 1\r\n"), .busy(retryAfterSeconds: 1), true),
        ]
        for (reply, failure, isPassing) in cases {
            let (_, result) = try await send(.replace([:], at: Self.place), reply)
            #expect(result == .failure(failure))
            #expect(failure.isPassing == isPassing, "\(failure)")
        }
    }

    @Test("an answer that is cut, slow or garbage ends in time, with its name")
    func broken() async throws {
        let write = APIWrite.replace([:], at: Self.place)
        let cut = try await send(write, FakeServer.Reply(pieces: [.text("{\"kind\":")])).result
        guard case .failure(.connection) = cut else {
            Issue.record("a cut answer: \(cut)")
            return
        }
        let slow = try await send(write, seconds: 1, FakeServer.Reply(pieces: [.text("{"), .hold])).result
        #expect(slow == .failure(.timeout))
        let garbage = try await send(write, .whole("<html>")).result
        guard case .failure(.malformed) = garbage else {
            Issue.record("garbage: \(garbage)")
            return
        }
    }

    @Test("an object that no server would take is not sent")
    func tooLarge() async throws {
        let text = String(repeating: "x", count: SourceTiming().requestBytesMax)
        let (request, result) = try await send(.replace(["data": ["a": .string(text)]], at: Self.place))
        #expect(request == nil)
        guard case .failure(.invalid) = result else {
            Issue.record("expected a refusal, found \(result)")
            return
        }
    }

    @Test("an object is read whole, and what JSON calls a number stays one")
    func read() async throws {
        let server = try await FakeServer { request in
            request.plainPath.hasSuffix("/leases/apusd")
                ? .whole("{\"spec\":{\"leaseTransitions\":3,\"acquire\":\"3\",\"is\":true,\"none\":null,\"l\":[1]}}")
                : .refused(404)
        }
        let client = try APIClient(
            ClusterConfiguration(server: server.url, rootsPEM: nil, client: nil, credentials: .none, origin: "test"))
        let object = try await client.read(Self.place)
        #expect(
            object == ["spec": ["leaseTransitions": 3, "acquire": "3", "is": true, "none": .null, "l": [1]]])
        #expect(object["spec"]?["none"] == nil && object["spec"]?["leaseTransitions"]?.integer == 3)
        await #expect(throws: APIFailure.missing) {
            _ = try await client.read(ObjectPlace(Self.lease, namespace: "x", name: "y"))
        }
        await client.close()
        await server.stop()
    }
}
