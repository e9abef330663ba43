import MeshModel

extension MapReader {
    private static let referencesMax = 16

    /// targetRef and targetRefs of a policy, and whether any is there. A reference that can't be read stands for
    /// everything in the policy's namespace.
    mutating func policyTargets() -> (isTargeted: Bool, targets: [RequestPolicy.Target]) {
        var references = maps("targetRefs")
        if let single = map("targetRef") {
            if !references.isEmpty { complain(single.line, single.path, "stands beside targetRefs: use one") }
            references.append(single)
        }
        if references.count > Self.referencesMax {
            complain(line, field("targetRefs"), "has more than \(Self.referencesMax) entries")
        }
        var targets: [RequestPolicy.Target] = []
        for var reference in references {
            targets.append(reference.policyTarget())
            absorb(reference)
        }
        return (!references.isEmpty, targets)
    }

    private mutating func policyTarget() -> RequestPolicy.Target {
        let (group, kind) = (text("group") ?? "", text("kind") ?? "")
        let name = text("name") ?? ""
        if node("namespace") != nil {
            complain(line, field("namespace"), "is set: a policy reaches its own namespace only")
        }
        complainAboutTheRest()
        guard !name.isEmpty else {
            complain(line, field("name"), "is missing")
            return .namespace
        }
        switch (group, kind) {
        case ("", "Service"), ("core", "Service"): return .service(name)
        case ("networking.istio.io", "ServiceEntry"): return .serviceEntry(name)
        case ("gateway.networking.k8s.io", "Gateway"): return .gateway(name)
        case ("gateway.networking.k8s.io", "GatewayClass"): return .gatewayClass(name)
        default:
            let expected = "expected Service, ServiceEntry, Gateway or GatewayClass with its group"
            complain(line, field("kind"), "\(expected), found \"\(kind)\" of group \"\(group)\"")
            return .namespace
        }
    }
}
