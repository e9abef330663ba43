import MeshModel
import Testing
import WaypointToken

@Suite("Fetched key sets")
struct KeyCacheTests {
    private static let uri = "https://issuer/keys"
    private var cache: KeyCache = {
        var cache = KeyCache()
        cache.want([KeyCacheTests.uri])
        return cache
    }()

    private func keys(_ rig: TokenRig) throws -> KeySet { try KeySet(Array(rig.keySet.utf8)[...]) }

    private mutating func fetch(_ keys: KeySet?, at now: Double) -> Bool {
        guard cache.advance(to: now) == [Self.uri] else { return false }
        cache.finish(Self.uri, keys)
        return true
    }

    @Test("fetched at once, once at a time, and again when it is due; forgotten when nobody wants it")
    mutating func refresh() throws {
        #expect(cache.keys(at: Self.uri) == nil)
        #expect(cache.advance(to: 0) == [Self.uri])
        #expect(cache.advance(to: 1000) == [])
        cache.finish(Self.uri, try keys(TokenRig()))
        #expect(cache.keys(at: Self.uri)?.contains(keyIdentifier: "k") == true)
        #expect(cache.advance(to: 1299) == [])
        #expect(cache.advance(to: 1300) == [Self.uri])
        cache.want([])
        #expect(cache.keys(at: Self.uri) == nil && cache.advance(to: 9999) == [])
    }

    @Test("ISTIO-SECURITY-2026-001: an outage keeps the keys until they are too old, then every token is refused")
    mutating func outage() throws {
        #expect(fetch(try keys(TokenRig()), at: 0))
        var attempts: [Double] = []
        for now in 300..<(24 * 3600) where fetch(nil, at: Double(now)) { attempts.append(Double(now)) }
        #expect(attempts.prefix(4) == [300, 301, 303, 307])
        #expect(attempts.count < 320)
        #expect(cache.keys(at: Self.uri) != nil)
        _ = cache.advance(to: 24 * 3600 + 1)
        #expect(cache.keys(at: Self.uri) == nil)
    }

    @Test("a key that is not known fetches anew, within bounds; a rotated key is then known")
    mutating func rotation() throws {
        #expect(fetch(try keys(TokenRig("old")), at: 0))
        cache.miss(Self.uri, keyIdentifier: "old")
        #expect(cache.advance(to: 29) == [])
        cache.miss(Self.uri, keyIdentifier: "new")
        #expect(cache.advance(to: 29) == [])
        #expect(fetch(try keys(TokenRig("new")), at: 30))
        #expect(cache.keys(at: Self.uri)?.contains(keyIdentifier: "new") == true)
        for now in 31..<60 {
            cache.miss(Self.uri, keyIdentifier: "invented-\(now)")
            #expect(cache.advance(to: Double(now)) == [])
        }
        #expect(cache.advance(to: 60) == [Self.uri])
    }
}
