import ControlSources
import MeshModel
import SeededTesting

@testable import ControlKubernetes

/// An API server as far as a status writer sees it: objects with a status, which others write as well, and an informer
/// that is late.
struct StatusModel: SeededMaker {
    static let served = ServedKind(kind: StatusKinds.services[0], version: "v1")
    static let foreign: JSONValue = ["type": "Foreign", "status": "True", "reason": "R", "message": ""]

    var generator: SeededGenerator
    var machine: StatusMachine
    private(set) var now: Int64 = 0
    private(set) var objects: [String: JSONValue] = [:]
    private var revision = 0
    private var underWay: [StatusMachine.Request] = []
    private var wished: [String: StatusWish.Condition] = [:]
    private let isKeepingStatus: Bool

    init(seed: UInt64, limits: StatusLimits = StatusLimits(), keepsStatus: Bool = true) {
        generator = SeededGenerator(seed: seed)
        machine = StatusMachine(limits)
        isKeepingStatus = keepsStatus
        machine.enable(true)
    }

    static func key(_ name: String) -> StatusKey { StatusKey(served.kind, namespace: "shop", name: name) }

    private static func observed(_ object: JSONValue) -> ObservedObject { ObservedObject(object, of: served.kind) }

    static func wish(_ name: String, _ condition: StatusWish.Condition?) -> StatusWish {
        StatusWish(
            key(name), generation: 0,
            .conditions(condition.map { [$0] } ?? [], owned: ["istio.io/WaypointBound"]))
    }

    static func bound(_ message: String, _ isTrue: Bool = true) -> StatusWish.Condition {
        StatusWish.Condition("istio.io/WaypointBound", isTrue, "WaypointAccepted", message)
    }

    // MARK: - What others do

    mutating func put(_ name: String, conditions: [JSONValue] = []) {
        revision += 1
        let object: JSONValue = [
            "metadata": ["name": .string(name), "uid": .string("uid-\(name)")],
            "status": ["conditions": .array(conditions)],
        ]
        objects["shop/\(name)"] = object.with(revision)
    }

    mutating func remove(_ name: String) { objects["shop/\(name)"] = nil }

    func conditions(_ name: String) -> [JSONValue] {
        objects["shop/\(name)"]?["status"]?["conditions"]?.elements ?? []
    }

    mutating func wish(_ conditions: [String: StatusWish.Condition]) {
        wished = conditions
        machine.wish(conditions.map { Self.wish($0.key, $0.value) })
    }

    /// The informer is told how things are.
    mutating func deliver() {
        machine.observe(
            Self.served,
            objects.mapValues { StoredObject(ResourceFile.Contents(), observed: Self.observed($0)) })
    }

    // MARK: - What the server answers

    mutating func ask() {
        underWay += machine.requests(nowMilliseconds: now, time: "2024-01-01T00:00:00Z")
    }

    mutating func pass(_ milliseconds: Int64) { now += milliseconds }

    var isIdle: Bool { underWay.isEmpty }

    /// The oldest request is answered.
    mutating func answer(failingWith failure: APIFailure? = nil, afterDoingIt: Bool = false) {
        guard !underWay.isEmpty else { return }
        let request = underWay.removeFirst()
        var result = failure.map { Result<JSONValue, APIFailure>.failure($0) }
        if result == nil || afterDoingIt {
            let done = carryOut(request)
            result = result ?? done
        }
        machine.take(result ?? .failure(.timeout), of: request, nowMilliseconds: now, chance: 0.5)
    }

    private mutating func carryOut(_ request: StatusMachine.Request) -> Result<JSONValue, APIFailure> {
        guard let object = objects[request.key.objectKey] else { return .failure(.missing) }
        guard case .patch(_, _, "status", let patch, _) = request else { return .success(object) }
        guard patch["metadata"]?["resourceVersion"] == object["metadata"]?["resourceVersion"] else {
            return .failure(.conflict("changed"))
        }
        guard isKeepingStatus else { return .success(object) }
        revision += 1
        var members = object.members ?? [:]
        members["status"] = patch["status"]
        let new = JSONValue.object(members).with(revision)
        objects[request.key.objectKey] = new
        return .success(new)
    }

    /// Nothing bad happens any more, for so long.
    mutating func settle(seconds: Int = 900) {
        let end = now + Int64(seconds) * 1000
        while now < end {
            deliver()
            ask()
            while !isIdle { answer() }
            now += 500
        }
    }

    // MARK: - By chance

    private static let failures: [APIFailure] = [
        .unauthorized, .forbidden("no"), .conflict("race"), .busy(retryAfterSeconds: 1), .status(500, ""),
        .connection("cut"), .timeout, .malformed("is garbage"), .expired,
    ]

    mutating func step() {
        now += Int64.random(in: 0..<800, using: &generator)
        let name = "s\(Int.random(in: 0..<5, using: &generator))"
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<2: put(name, conditions: chance(1, of: 2) ? [Self.foreign] : conditions(name))
        case 2: remove(name)
        case 3..<5:
            var wishes = wished
            wishes[name] = chance(1, of: 4) ? nil : Self.bound("m\(revision % 3)", chance(1, of: 2))
            wish(wishes)
        case 5..<8: deliver()
        case 8..<11: answer(failingWith: pick(Self.failures, or: .timeout), afterDoingIt: chance(1, of: 3))
        case 11: machine.enable(chance(2, of: 3))
        case 12..<15: ask()
        default: answer()
        }
    }

    /// Objects that do not say what is wished.
    var wrong: [String] {
        objects.filter { key, object in
            let name = String(key.dropFirst("shop/".count))
            return StatusMerge.patch(Self.wish(name, wished[name]), Self.observed(object), now: "") != nil
        }.keys.sorted()
    }
}

extension JSONValue {
    fileprivate func with(_ revision: Int) -> JSONValue {
        var members = members ?? [:]
        var metadata = members["metadata"]?.members ?? [:]
        metadata["resourceVersion"] = .string("\(revision)")
        members["metadata"] = .object(metadata)
        return .object(members)
    }
}
