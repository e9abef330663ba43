import MeshDiscovery
import MeshModel
import Testing

@Suite("Look-ups of workloads")
struct WorkloadLookupTests {
    @Test("an address finds its workload in its own network only")
    func byAddress() throws {
        let web = try pod("web", at: ["10.0.0.1", "2001:db8::1"]) { $0.network = "n1" }
        let world = world(.upsertWorkload(web))
        #expect(world.workload(network: "n1", ip: try ip("10.0.0.1")) == web)
        #expect(world.workload(network: "n1", ip: try ip("2001:db8::1")) == web)
        #expect(world.workload(network: "", ip: try ip("10.0.0.1")) == nil)
        #expect(world.workload(network: "n1", ip: try ip("10.0.0.2")) == nil)
    }

    @Test("of workloads with one address a pod in the mesh wins, then a pod, then one in the mesh")
    func duplicateAddress() throws {
        let meshPod = try pod("a", at: ["10.0.0.1"], tunnel: .hbone)
        let plainPod = try pod("b", at: ["10.0.0.1"])
        let meshEntry = try pod("c", at: ["10.0.0.1"], tunnel: .hbone) { $0.uid = "c/networking/WorkloadEntry/ns/c" }
        let plainEntry = try pod("d", at: ["10.0.0.1"]) { $0.uid = "c/networking/WorkloadEntry/ns/d" }
        let ranked = [meshPod, plainPod, meshEntry, plainEntry]
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            var world = World()
            for index in order { world.apply(.upsertWorkload(ranked[index])) }
            for winner in ranked {
                #expect(world.workload(network: "", ip: try ip("10.0.0.1")) == winner)
                world.apply(.removeAddress(name: winner.uid))
            }
            #expect(world.workload(network: "", ip: try ip("10.0.0.1")) == nil)
        }
    }

    @Test("a workload on the host's network is not found by address")
    func hostNetwork() throws {
        let agent = try pod("agent", at: ["192.0.2.1"]) { $0.networkMode = .hostNetwork }
        let world = world(.upsertWorkload(agent))
        #expect(world.workload(network: "", ip: try ip("192.0.2.1")) == nil)
        #expect(world.workload(uid: agent.uid) == agent)
    }

    @Test("an update moves a workload to its new addresses")
    func update() throws {
        var world = world(.upsertWorkload(try pod("web", at: ["10.0.0.1"])))
        let moved = try pod("web", at: ["10.0.0.2"])
        world.apply(.upsertWorkload(moved))
        #expect(world.workload(network: "", ip: try ip("10.0.0.1")) == nil)
        #expect(world.workload(network: "", ip: try ip("10.0.0.2")) == moved)
        #expect(world.workloadCount == 1)
    }

    @Test("the local workload is found by name, node and service account, never by address")
    func local() throws {
        let here = try pod("web", node: "here")
        let elsewhere = try pod("web", node: "elsewhere") { $0.uid = "other//Pod/ns/web"; $0.serviceAccount = "sa" }
        let world = world(.upsertWorkload(here), .upsertWorkload(elsewhere))
        #expect(world.localWorkload(namespace: "ns", name: "web", node: "here") == here)
        #expect(world.localWorkload(namespace: "ns", name: "web", node: "elsewhere") == elsewhere)
        #expect(world.localWorkload(namespace: "ns", name: "web", serviceAccount: "sa", node: "here") == nil)
        #expect(world.localWorkload(namespace: "ns", name: "web", serviceAccount: "sa", node: "") == elsewhere)
        #expect(world.localWorkload(namespace: "other", name: "web", node: "here") == nil)
        #expect(world.workloads(onNode: "here") == [here])
        #expect(world.workloads(onNode: "nowhere").isEmpty)
    }
}

@Suite("Look-ups of services")
struct ServiceLookupTests {
    private func find(
        _ world: World, _ address: String, from namespace: String, network: String = ""
    ) throws -> String? {
        world.service(network: network, vip: try ip(address), clientNamespace: namespace)?.key.description
    }

    @Test("of services that share an address the client's own namespace wins, then the canonical one")
    func sharedAddress() throws {
        let world = world(
            .upsertService(try service("h", namespace: "a", at: ["10.96.0.1"])),
            .upsertService(try service("h", namespace: "b", at: ["10.96.0.1"]) { $0.isCanonical = true }),
            .upsertService(try service("h", namespace: "c", at: ["10.96.0.1"])))
        #expect(try find(world, "10.96.0.1", from: "c") == "c/h")
        #expect(try find(world, "10.96.0.1", from: "elsewhere") == "b/h")
        #expect(world.service(hostname: "h", clientNamespace: "a")?.namespace == "a")
        #expect(world.service(hostname: "h", clientNamespace: "x")?.namespace == "b")
    }

    @Test("a preferred namespace decides only between hostnames of equal standing")
    func preferredNamespace() throws {
        var world = world(
            .upsertService(try service("h", namespace: "a")), .upsertService(try service("h", namespace: "b")))
        #expect(world.service(hostname: "h", clientNamespace: "x", preferredNamespace: "b")?.namespace == "b")
        #expect(world.service(hostname: "h", clientNamespace: "x")?.namespace == "a")
        world.apply(.upsertService(try service("h", namespace: "c") { $0.isCanonical = true }))
        #expect(world.service(hostname: "h", clientNamespace: "x", preferredNamespace: "b")?.namespace == "c")
    }

    @Test("a service for its own namespace is hidden from others, by address and by hostname")
    func visibility() throws {
        let world = world(
            .upsertService(try service("h", namespace: "a", at: ["10.96.0.1"]) { $0.visibility = .ownNamespace }))
        #expect(try find(world, "10.96.0.1", from: "a") == "a/h")
        #expect(try find(world, "10.96.0.1", from: "b") == nil)
        #expect(world.service(hostname: "h", clientNamespace: "b") == nil)
    }

    @Test("a hidden exact address lets a visible block through")
    func hiddenExact() throws {
        let world = world(
            .upsertService(try service("exact", namespace: "a", at: ["10.0.0.1"]) { $0.visibility = .ownNamespace }),
            .upsertService(try service("block", namespace: "b", at: ["10.0.0.0/8"])))
        #expect(try find(world, "10.0.0.1", from: "a") == "a/exact")
        #expect(try find(world, "10.0.0.1", from: "c") == "b/block")
    }

    @Test("an exact address comes before blocks, a longer prefix before a shorter", arguments: [
        ("10.1.2.3", "exact"), ("10.1.2.4", "long"), ("10.1.9.9", "middle"), ("10.9.9.9", "short"),
        ("2001:db8::1", "exact"), ("2001:db8::2", "long"), ("2001:db8:1::", "short"),
    ])
    func longestPrefix(address: String, expected: String) throws {
        let world = world(
            .upsertService(try service("short", at: ["10.0.0.0/8", "2001:db8::/32"])),
            .upsertService(try service("long", at: ["10.1.2.0/24", "2001:db8::/64"])),
            .upsertService(try service("middle", at: ["10.1.0.0/16"])),
            .upsertService(try service("exact", at: ["10.1.2.3", "2001:db8::1"])))
        #expect(try find(world, address, from: "ns") == "ns/\(expected)")
    }

    @Test("a block holds neither another family nor another network")
    func scoping() throws {
        let world = world(.upsertService(try service("h", at: ["0.0.0.0/0"], network: "n1")))
        #expect(try find(world, "10.0.0.1", from: "ns", network: "n1") == "ns/h")
        #expect(try find(world, "10.0.0.1", from: "ns", network: "n2") == nil)
        #expect(try find(world, "2001:db8::1", from: "ns", network: "n1") == nil)
    }

    @Test("among blocks the client's namespace counts more than the prefix, the canonical mark less")
    func blockRanking() throws {
        let world = world(
            .upsertService(try service("wide", namespace: "a", at: ["10.0.0.0/8"])),
            .upsertService(try service("narrow", namespace: "b", at: ["10.1.0.0/16"])),
            .upsertService(try service("wide", namespace: "c", at: ["10.0.0.0/8"]) { $0.isCanonical = true }))
        #expect(try find(world, "10.1.0.1", from: "a") == "a/wide")
        #expect(try find(world, "10.1.0.1", from: "x") == "b/narrow")
        #expect(try find(world, "10.2.0.1", from: "x") == "c/wide")
    }

    @Test("removing a service takes its addresses, blocks and hostname with it")
    func removal() throws {
        let other = try service("other", namespace: "b", at: ["10.0.0.0/8"])
        var world = world(
            .upsertService(try service("h", namespace: "a", at: ["10.0.0.0/8", "10.96.0.1"])), .upsertService(other))
        world.apply(.removeAddress(name: "a/h"))
        #expect(try find(world, "10.96.0.1", from: "a") == "b/other")
        #expect(world.service(hostname: "h", clientNamespace: "a") == nil)
        world.apply(.removeAddress(name: "b/other"))
        #expect(try find(world, "10.96.0.1", from: "a") == nil)
        #expect(world.hasSameContent(as: World()))
    }

    @Test("names of nothing are removed without effect", arguments: ["", "x", "a/b/c", "ns/unknown", "c//Pod/ns/x"])
    func removalOfUnknown(name: String) throws {
        var world = world(.upsertService(try service("h")))
        world.apply(.removeAddress(name: name))
        #expect(world.serviceCount == 1)
    }
}

@Suite("Look-ups of addresses and gateways")
struct AddressLookupTests {
    private func sharedWorld() throws -> World {
        world(
            .upsertWorkload(try pod("web", at: ["10.0.0.1"])), .upsertService(try service("h", at: ["10.0.0.1"])),
            .upsertWorkload(try pod("named") { $0.hostname = "gateway.example" }))
    }

    @Test("a connection names a workload first, and goes to a service first")
    func order() throws {
        let world = try sharedWorld()
        let address = try ip("10.0.0.1")
        guard case .workload = world.address(network: "", ip: address, clientNamespace: "ns"),
            case .service = world.upstream(network: "", ip: address, clientNamespace: "ns")
        else {
            Issue.record("the two look-ups must differ in order")
            return
        }
        #expect(world.address(network: "", ip: try ip("10.9.9.9"), clientNamespace: "ns") == nil)
    }

    @Test("a gateway is found as service, as workload by hostname, or by address")
    func gateways() throws {
        let world = try sharedWorld()
        func owner(_ destination: GatewayReference.Destination) -> AddressOwner? {
            world.destination(of: GatewayReference(destination), clientNamespace: "ns")
        }
        let shared = try service("h", at: ["10.0.0.1"])
        #expect(owner(.hostname(ServiceKey(namespace: "ns", hostname: "h"))) == .service(shared))
        let named = try pod("named") { $0.hostname = "gateway.example" }
        #expect(owner(.hostname(ServiceKey(namespace: "ns", hostname: "gateway.example"))) == .workload(named))
        #expect(owner(.hostname(ServiceKey(namespace: "other", hostname: "gateway.example"))) == nil)
        #expect(owner(.address(network: "", try ip("10.0.0.1"))) == .service(shared))
        #expect(owner(.address(network: "n2", try ip("10.0.0.1"))) == nil)
    }
}
