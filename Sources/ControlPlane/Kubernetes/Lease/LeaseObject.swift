internal import Foundation
internal import MeshModel

/// A Lease of coordination.k8s.io/v1 as JSON.
struct LeaseObject: Sendable {
    private static let served = ServedKind(
        kind: ResourceKind(kind: "Lease", plural: "leases", group: "coordination.k8s.io", versions: ["v1"]),
        version: "v1")

    let namespace: String
    let name: String

    var place: ObjectPlace { ObjectPlace(Self.served, namespace: namespace, name: name) }

    /// `nil`: it is no lease.
    func record(_ object: JSONValue) -> LeaseRecord? {
        guard let revision = object["metadata"]?["resourceVersion"]?.text else { return nil }
        let spec = object["spec"]
        // A holder that promises nothing, or to be away for years, is not waited for like that.
        let seconds = min(max(spec?["leaseDurationSeconds"]?.integer ?? 1, 1), 3600)
        return LeaseRecord(
            holder: spec?["holderIdentity"]?.text ?? "", durationMilliseconds: Int64(seconds) * 1000,
            transitions: spec?["leaseTransitions"]?.integer ?? 0, revision: revision)
    }

    /// The write that makes it say this. Times in it are for people: no candidate goes by another's clock.
    func write(_ record: LeaseRecord) -> APIWrite {
        let spec: JSONValue = [
            "holderIdentity": .string(record.holder),
            "leaseDurationSeconds": JSONValue(Int(record.durationMilliseconds / 1000)),
            "leaseTransitions": JSONValue(record.transitions), "renewTime": .string(Self.microTime(Date())),
        ]
        guard !record.revision.isEmpty else {
            return .create(
                ["metadata": ["name": .string(name)], "spec": spec], of: Self.served, namespace: namespace)
        }
        return .replace(
            ["metadata": ["resourceVersion": .string(record.revision)], "spec": spec], at: place)
    }

    /// Six digits of a second, as the API wants them in this type.
    static func microTime(_ date: Date) -> String {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)
        return String(date.formatted(format).dropLast()) + "000Z"
    }
}
