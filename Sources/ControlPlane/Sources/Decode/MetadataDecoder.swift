import ControlTranslate

extension MapReader {
    /// Fields of metadata that the mesh has no use for.
    private static let idleFields: Set<String> = [
        "generateName", "selfLink", "resourceVersion", "deletionGracePeriodSeconds", "finalizers", "managedFields",
        "clusterName",
    ]

    /// Reads metadata. A name or namespace that Kubernetes would refuse is left empty, with a problem: both become
    /// parts of keys and identities, where a slash too many would be somebody else's.
    mutating func metadata(file: String, hasNamespace: Bool) -> (ResourceMetadata, PodResource.Controller?) {
        var reader = map("metadata") ?? MapReader(DataNode(line: line, content: .null), path: "metadata")
        var metadata = ResourceMetadata(name: "", origin: ResourceOrigin(file: file, line: line))
        metadata.name = reader.kubernetesName("name") ?? ""
        let namespace = reader.kubernetesName("namespace", isRequired: false)
        metadata.namespace = hasNamespace ? namespace ?? "" : ""
        metadata.uid = reader.text("uid") ?? ""
        metadata.labels = reader.labels("labels") ?? [:]
        metadata.annotations = reader.labels("annotations") ?? [:]
        metadata.creationTimestamp = reader.text("creationTimestamp") ?? ""
        metadata.generation = reader.integer("generation", 0...Int.max) ?? 0
        metadata.isBeingDeleted = reader.text("deletionTimestamp") != nil
        var controller: PodResource.Controller?
        for var owner in reader.maps("ownerReferences") where owner.flag("controller") == true {
            controller = PodResource.Controller(kind: owner.text("kind") ?? "", name: owner.text("name") ?? "")
        }
        reader.skip(Self.idleFields)
        reader.complainAboutTheRest()
        absorb(reader)
        return (metadata, controller)
    }

    /// A name of lower-case letters, digits, `-` and `.`, at most 253 long. Without namespace it is `default`.
    private mutating func kubernetesName(_ key: String, isRequired: Bool = true) -> String? {
        guard let written = node(key) else {
            if isRequired { complain(line, field(key), "is missing: every resource needs a name") }
            return isRequired ? nil : "default"
        }
        guard case .scalar(let text, _) = written.content, ResourceName.isValid(text) else {
            let expected = "expected lower-case letters, digits, - and ., at most 253 of them"
            complain(written.line, field(key), "\(expected), found \(written.summary)")
            return nil
        }
        return text
    }
}

enum ResourceName {
    /// RFC 1123 subdomain, the rule of Kubernetes for names.
    static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...253).contains(bytes.count) else { return false }
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
