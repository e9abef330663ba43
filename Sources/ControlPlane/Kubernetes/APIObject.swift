internal import ControlSources
internal import ControlTranslate
internal import MeshModel

/// What is kept of an object: what the decoders made of it. A class, so that a table of ten thousand copies quickly.
final class StoredObject: Hashable, Sendable {
    let contents: ResourceFile.Contents
    /// Tells versions apart where no contents are kept; else empty.
    let mark: String
    /// Of kinds that have a status of ours.
    let observed: ObservedObject?

    init(_ contents: ResourceFile.Contents, mark: String = "", observed: ObservedObject? = nil) {
        self.contents = contents
        self.mark = mark
        self.observed = observed
    }

    static func == (left: StoredObject, right: StoredObject) -> Bool {
        left === right
            || (left.mark == right.mark && left.contents == right.contents && left.observed == right.observed)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(mark) }
}

/// An object as an API server has it, as far as its status is written.
struct ObservedObject: Hashable, Sendable {
    let uid: String
    let revision: String
    /// Those that we write.
    let annotations: [String: String]
    /// An empty object when there is none, or none of it is ours: pods' are large, and there are many.
    let status: JSONValue

    init(_ object: JSONValue, of kind: ResourceKind) {
        let metadata = object["metadata"] ?? [:]
        uid = metadata["uid"]?.text ?? ""
        revision = metadata["resourceVersion"]?.text ?? ""
        annotations = Self.ours { metadata["annotations"]?[$0]?.text }
        status = StatusKinds.pods.contains(kind) ? [:] : object["status"] ?? [:]
    }

    /// Nothing of the object but these parts is read.
    init(_ object: DataTree, of kind: ResourceKind) {
        let metadata = object["metadata"]
        uid = metadata?["uid"]?.text ?? ""
        revision = metadata?["resourceVersion"]?.text ?? ""
        annotations = Self.ours { metadata?["annotations"]?[$0]?.text }
        status = StatusKinds.pods.contains(kind) ? [:] : object["status"]?.value ?? [:]
    }

    private static func ours(_ text: (String) -> String?) -> [String: String] {
        text(RedirectionPatch.annotation).map { [RedirectionPatch.annotation: $0] } ?? [:]
    }
}

/// Reads the API's envelopes: lists, events, errors.
struct APIReader: Sendable {
    typealias Machine = Informer<StoredObject>

    let served: ServedKind

    /// Name in findings, where files have their path.
    private var source: String { "kubernetes/\(served.kind.name)" }

    func page(_ body: [UInt8]) throws(APIFailure) -> Machine.Page {
        let tree = try Self.tree(body)
        guard let metadata = tree["metadata"], tree["items"] != nil || tree["kind"] != nil else {
            throw .malformed("is no list")
        }
        var objects: [(key: String, value: StoredObject)] = []
        for item in tree["items"]?.items ?? [] {
            let (key, _) = try Self.identity(item)
            objects.append((key, stored(item)))
        }
        guard let revision = metadata["resourceVersion"]?.text, !revision.isEmpty else {
            throw .malformed("is a list without resourceVersion")
        }
        let continuing = metadata["continue"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        return Machine.Page(objects: objects, continuing: continuing, revision: revision)
    }

    func change(_ line: [UInt8]) throws(APIFailure) -> Machine.Change {
        let tree = try Self.tree(line)
        guard let object = tree["object"] else { throw .malformed("is an event without object") }
        switch tree["type"]?.text {
        case "ADDED", "MODIFIED":
            let (key, revision) = try Self.identity(object)
            return .put(key: key, value: stored(object), revision: revision)
        case "DELETED":
            let (key, revision) = try Self.identity(object)
            return .delete(key: key, revision: revision)
        case "BOOKMARK":
            return .bookmark(revision: object["metadata"]?["resourceVersion"]?.text ?? "")
        case "ERROR":
            throw Self.failure(object, status: 500)
        case let type:
            throw .malformed("is an event of the unknown type \"\(type.map { String($0.prefix(64)) } ?? "")\"")
        }
    }

    /// What a Status object says; `status` when it does not say a code.
    static func failure(_ tree: DataTree, status: Int, retryAfterSeconds: Int? = nil) -> APIFailure {
        let code = tree["code"]?.text.flatMap { Int($0) } ?? status
        let asked = tree["details"]?["retryAfterSeconds"]?.text.flatMap { Int($0) }
        let message = tree["message"]?.text ?? tree["reason"]?.text ?? ""
        return .of(
            status: code, message: String(message.prefix(300)), retryAfterSeconds: retryAfterSeconds ?? asked)
    }

    static func tree(_ bytes: [UInt8]) throws(APIFailure) -> DataTree {
        do {
            return try DataTree.json(bytes)
        } catch {
            throw .malformed(error.description)
        }
    }

    private static func identity(_ object: DataTree) throws(APIFailure) -> (key: String, revision: String) {
        guard let metadata = object["metadata"], let name = metadata["name"]?.text, !name.isEmpty else {
            throw .malformed("is an object without a name")
        }
        let revision = metadata["resourceVersion"]?.text ?? ""
        guard let namespace = metadata["namespace"]?.text, !namespace.isEmpty else { return (name, revision) }
        return ("\(namespace)/\(name)", revision)
    }

    private func stored(_ object: DataTree) -> StoredObject {
        guard served.kind != .definitions else {
            let mark = object["metadata"]?["resourceVersion"]?.text ?? ""
            return StoredObject(ResourceFile.Contents(), mark: mark)
        }
        return StoredObject(
            ResourceFile.decode(
                object, apiVersion: served.apiVersion, kind: served.kind.kind, source: source),
            observed: StatusKinds.all.contains(served.kind) ? ObservedObject(object, of: served.kind) : nil)
    }
}
