import ControlWaypoints
import MeshModel
import Testing

@Suite("Addresses and restarts of waypoints")
struct AddressPoolTests {
    @Test("each address is given once, the first, the last and the gateway never")
    func takes() throws {
        let block = try #require(IPBlock("10.254.0.0/29"))
        let gateway = try #require(IPAddress("10.254.0.1"))
        var pool = try #require(AddressPool(block, reserved: [gateway]))
        var leases: [AddressPool.Lease] = []
        while let lease = pool.take() { leases.append(lease) }
        #expect(leases.map(\.address.description) == (2...6).map { "10.254.0.\($0)" })
        pool.giveBack(leases[1])
        let (again, none) = (pool.take(), pool.take())
        #expect(again == leases[1] && none == nil)
    }

    @Test("an address that was given back is the last to be given again")
    func rotates() throws {
        let block = try #require(IPBlock("10.254.0.0/29"))
        var pool = try #require(AddressPool(block))
        let taken = pool.take()
        let first = try #require(taken)
        pool.giveBack(first)
        let next = pool.take()
        #expect(next != nil && next != first)
    }

    @Test(
        "blocks without room and of IPv6 are refused",
        arguments: ["10.0.0.1", "10.0.0.0/31", "fd00::/64", "0.0.0.0/0"])
    func refuses(_ text: String) throws {
        let block = try #require(IPBlock(text))
        #expect(AddressPool(block) == nil)
    }

    @Test("who ends early waits longer each time, up to a bound; a long life begins anew")
    func delays() {
        var delay = RestartDelay()
        var waits: [Int] = []
        for _ in 0..<8 { waits.append(delay.milliseconds(after: .seconds(1))) }
        #expect(waits == [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
        let anew = delay.milliseconds(after: .seconds(61))
        #expect(anew == 500)
    }
}
