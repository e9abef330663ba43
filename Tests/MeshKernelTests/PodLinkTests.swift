import Foundation
import MeshKernel
import MeshModel
import MeshTesting
import Testing

@Suite("A pod's link and its process") struct PodLinkTests {
    @Test("a program started in a fresh namespace reaches the node by its link, and goes without a trace")
    func linked() throws {
        let node = try TestNamespace()
        let directory = try TemporaryDirectory()
        let (address, gateway) = (IPAddress(v4: 0x0afe_0001), IPAddress(v4: 0xa9fe_0101))
        let link = PodLink(device: "apwtest-1", address: address, attachment: .routed(gateway: gateway))
        let pod = try node.namespace.enter {
            let pod = try NetworkNamespace.make()
            try link.install(in: pod)
            #expect(throws: KernelError.self) { try link.install(in: pod) }
            return pod
        }
        #expect(pod.identity != node.namespace.identity)
        #expect(try node.namespace.enter { try PodLink.devices(withPrefix: "apwtest-") } == ["apwtest-1"])
        // Nobody listens, and the pod itself says so.
        let answer = try node.runAnyStatus("timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/\(address)/9")
        #expect(answer.output.contains("Connection refused"), "\(answer.output)")
        let path = "\(directory.path)/output"
        let child = try ChildProcess("/bin/cat", environment: [:], outputPath: path, in: pod)
        #expect(child.waitForEnd() == "ended with status 0")
        child.signal(SIGKILL)
        let environment = ["ONE": "1", "TWO": "2"]
        let printing = try ChildProcess("/usr/bin/env", environment: environment, outputPath: path, in: pod)
        #expect(printing.waitForEnd() == "ended with status 0")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "ONE=1\nTWO=2\n")
        try node.namespace.enter {
            try PodLink.remove(device: "apwtest-1")
            try PodLink.remove(device: "apwtest-1")
            #expect(try PodLink.devices(withPrefix: "apwtest-").isEmpty)
        }
    }

    @Test("a program that cannot be started is an error that names it")
    func missing() throws {
        let home = try NetworkNamespace.home()
        let error = #expect(throws: KernelError.self) {
            _ = try ChildProcess("/none/such", environment: [:], outputPath: "/dev/null", in: home)
        }
        #expect(error?.description == "start /none/such: No such file or directory (ENOENT)")
    }

    @Test("a program inherits nothing that is open here")
    func descriptors() throws {
        let directory = try TemporaryDirectory()
        let (script, output) = ("\(directory.path)/script", "\(directory.path)/output")
        // As sockets of libraries are: not marked to be closed.
        let open = fcntl(STDERR_FILENO, F_DUPFD, 300)
        try #require(open >= 300)
        defer { close(open) }
        try "[ -e /proc/$$/fd/\(open) ] && echo open || echo closed\n"
            .write(toFile: script, atomically: true, encoding: .utf8)
        let child = try ChildProcess(
            "/bin/bash", environment: ["BASH_ENV": script], outputPath: output, in: NetworkNamespace.home())
        #expect(child.waitForEnd() == "ended with status 0")
        #expect(try String(contentsOfFile: output, encoding: .utf8) == "closed\n")
    }

    @Test("a process is known by its number and its start, and only then signalled")
    func foreign() throws {
        let own = ProcessInfo.processInfo.processIdentifier
        let ticks = try #require(ForeignProcess.startTicks(of: own))
        #expect(ForeignProcess.signal(own, startTicks: ticks, 0))
        #expect(!ForeignProcess.signal(own, startTicks: ticks + 1, SIGKILL))
        #expect(!ForeignProcess.signal(1, startTicks: ForeignProcess.startTicks(of: 1) ?? 0, SIGKILL))
    }
}
