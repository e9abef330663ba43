/// The pod that a process belongs to, by its line in /proc/PID/cgroup. Forms of the kubelet's two cgroup drivers
/// (kubernetes.io, "Configuring a cgroup driver") under cgroup v1 and v2:
///
///     …/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/…                            cgroupfs
///     …/kubepods-burstable.slice/kubepods-burstable-pod2c48913c_b29f_11e7_9350_020968147796.slice/…   systemd
enum PodCgroup {
    /// Of the innermost pod in any of the lines, with `-` between its parts; `nil` for a process of no pod.
    static func uid(in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, let uid = uid(ofPath: fields[2]) else { continue }
            return uid
        }
        return nil
    }

    private static func uid(ofPath path: Substring) -> String? {
        // containerd, started with the other driver than the kubelet, writes SLICE:PREFIX:CONTAINER.
        let components = path.split { $0 == "/" || $0 == ":" }
        guard components.contains(where: { $0.contains("kubepods") }) else { return nil }
        return components.reversed().lazy.compactMap(uid(ofComponent:)).first
    }

    /// `pod<UID>`, or `…kubepods…-pod<UID>.slice`.
    private static func uid(ofComponent component: Substring) -> String? {
        var rest = component
        if rest.hasSuffix(".slice") {
            guard let start = rest.range(ofLast: "-pod"), rest.contains("kubepods") else { return nil }
            rest = rest[start...].dropLast(".slice".count)
        } else {
            guard rest.hasPrefix("pod") else { return nil }
            rest = rest.dropFirst("pod".count)
        }
        let uid = rest.replacing("_", by: "-")
        return isUID(uid) ? uid : nil
    }

    /// A UUID, or the hash that stands for one with pods from files.
    private static func isUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.joined(separator: "").utf8.allSatisfy(\.isHexadecimal) else { return false }
        return parts.map(\.count) == [8, 4, 4, 4, 12] || parts.map(\.count) == [32]
    }
}

extension Substring {
    /// Behind the last place of a text.
    fileprivate func range(ofLast text: String) -> Index? {
        var found: Index?
        for index in indices where self[index...].hasPrefix(text) { found = self.index(index, offsetBy: text.count) }
        return found
    }

    fileprivate func replacing(_ old: Character, by new: Character) -> String {
        String(map { $0 == old ? new : $0 })
    }
}

extension UInt8 {
    fileprivate var isHexadecimal: Bool {
        (48...57).contains(self) || (97...102).contains(self) || (65...70).contains(self)
    }
}
