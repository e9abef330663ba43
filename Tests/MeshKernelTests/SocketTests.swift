import Glibc
import MeshKernel
import MeshModel
import MeshTesting
import Testing

@Suite struct SocketTests {
    @Test("two listeners share a port, as two proxies do during an upgrade")
    func sharedPort() throws {
        let pod = try TestNamespace()
        let first = try PodSockets.listen(port: 15001, in: pod.namespace)
        let second = try PodSockets.listen(port: 15001, in: pod.namespace)
        #expect(try first.localAddress() == second.localAddress())
    }

    @Test("an address that is not there is an error that names it")
    func foreignAddress() throws {
        let pod = try TestNamespace()
        let foreign = TransportAddress(IPAddress(v4: 0xc633_6407), port: 80)
        let error = #expect(throws: KernelError.self) {
            _ = try PodSockets.listen(on: foreign, in: pod.namespace)
        }
        #expect(error?.description == "bind 198.51.100.7:80: Cannot assign requested address (EADDRNOTAVAIL)")
    }

    @Test("a transparent listener may have a foreign address")
    func transparentListener() throws {
        let pod = try TestNamespace()
        let foreign = TransportAddress(IPAddress(v4: 0xc633_6407), port: 80)
        let listener = try PodSockets.listen(on: foreign, in: pod.namespace, transparent: true)
        #expect(try listener.localAddress() == foreign)
    }

    @Test("listeners are non-blocking and not inherited by programs")
    func listenerFlags() throws {
        let pod = try TestNamespace()
        let listener = try PodSockets.listen(port: 0, in: pod.namespace)
        let flags = try Shell.run(["sh", "-c", "cat /proc/$PPID/fdinfo/\(listener.raw)"])
        let octal = flags.split(whereSeparator: \.isWhitespace).drop { $0 != "flags:" }.dropFirst().first
        let value = try #require(octal.flatMap { Int32($0, radix: 8) })
        #expect(value & O_NONBLOCK != 0)
        #expect(value & O_CLOEXEC != 0)
    }

    @Test("without translation there is no other original destination than the connection's own")
    func untranslated() throws {
        let pod = try TestNamespace()
        let loopback = IPAddress(v4: 0x7f00_0001)
        let listener = try PodSockets.listen(port: 0, in: pod.namespace)
        let address = TransportAddress(loopback, port: try #require(try listener.localAddress()).port)
        let caller = try PodSockets.connect(to: address, in: pod.namespace, timeoutMilliseconds: 5000)
        let accepted = try PodSockets.accept(on: listener, timeoutMilliseconds: 5000)
        #expect(try accepted.localAddress() == address)
        #expect([nil, address].contains(PodSockets.originalDestination(of: accepted.raw, local: address)))
        #expect(try caller.peerAddress() == address)
    }

    @Test("congestion control is looked up by its whole name")
    func congestionControl() {
        #expect(PodSockets.isTCPCongestionControlAvailable("reno"))
        #expect(!PodSockets.isTCPCongestionControlAvailable("ren"))
        #expect(!PodSockets.isTCPCongestionControlAvailable(""))
    }

    @Test("the process knows its size and gets its descriptors")
    func resources() throws {
        #expect(try #require(ProcessResources.residentBytes()) > 1 << 20)
        #expect(try ProcessResources.raiseDescriptorLimit() >= 1024)
    }
}
