import Foundation
import Testing

@testable import ZtunnelNode

@Suite("Pods by the cgroup of a process")
struct PodCgroupTests {
    private static let uid = "2c48913c-b29f-11e7-9350-020968147796"
    private static let container = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961"

    /// `$S` stands for the uid as systemd has it, `$U` for the uid, `$C` for a container.
    @Test("the forms of both drivers, of both versions, of each runtime", arguments: [
        // cgroup v2, systemd: containerd, CRI-O, Docker; burstable, best effort, guaranteed.
        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$S.slice/cri-containerd-$C.scope",
        "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod$S.slice/crio-$C.scope/container",
        "0::/kubepods.slice/kubepods-pod$S.slice/docker-$C.scope",
        // cgroup v2, cgroupfs.
        "0::/kubepods/burstable/pod$U/$C",
        "0::/kubepods/pod$U/$C",
        // cgroup v1: many lines, one of which is enough.
        "12:pids:/user.slice\n11:memory:/kubepods/besteffort/pod$U/$C\n1:name=systemd:/",
        "1:name=systemd:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$S.slice/docker-$C.scope",
        // containerd with the other driver than the kubelet.
        "11:cpuset:/system.slice/containerd.service/kubepods-besteffort-pod$S.slice:cri-containerd:$C",
        // A kubelet with a cgroup root of its own, as in kind.
        "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable-pod$S.slice/cri-containerd-$C.scope",
        "9:cpu:/docker/$C/kubelet/kubepods/besteffort/pod$U/$C",
        // A node in a pod of another cluster: the inner pod is ours.
        "0::/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/$C/kubelet/kubepods/pod$U/x",
        // The pod's own cgroup.
        "0::/kubepods/burstable/pod$U",
    ])
    func forms(form: String) {
        let text = form.replacingOccurrences(of: "$U", with: Self.uid)
            .replacingOccurrences(of: "$S", with: Self.uid.replacingOccurrences(of: "-", with: "_"))
            .replacingOccurrences(of: "$C", with: Self.container)
        #expect(PodCgroup.uid(in: text) == Self.uid)
        #expect(PodCgroup.uid(in: text + "\n") == Self.uid)
    }

    @Test("a pod from a file has a hash for its uid")
    func staticPods() {
        let hash = "0123456789abcdef0123456789abcdef"
        #expect(PodCgroup.uid(in: "0::/kubepods/burstable/pod\(hash)/x") == hash)
        #expect(PodCgroup.uid(in: "0::/kubepods.slice/kubepods-pod\(hash).slice/cri-containerd-x.scope") == hash)
    }

    @Test("what is no pod is none", arguments: [
        "", "\n", "0::/", "0::/init.scope", "0::/system.slice/kubelet.service", "0::/user.slice/user-0.slice",
        "0::/kubepods/burstable", "0::/kubepods/burstable/podinfo/x", "0::/kubepods/pod/x", "garbage",
        "0::/libpod_parent/libpod-2c48913cb29f11e79350020968147796",
        "0:/kubepods/pod2c48913c-b29f-11e7-9350-020968147796",
        "0::/pod2c48913c-b29f-11e7-9350-020968147796/x", "0::/kubepods/pod2c48913c-b29f-11e7-9350-02096814779z/x",
        "0::/kubepods/pod2c48913cb29f-11e7-9350-0209-68147796/x",
        "0::/kubepods.slice/other-pod2c48913c_b29f_11e7_9350_020968147796.slice/x",
        "0::/../cri-containerd-9bca8d63d5fa.scope",
    ])
    func others(text: String) {
        #expect(PodCgroup.uid(in: text) == nil)
    }
}
