import ControlTranslate
import MeshModel

enum LoadBalancerDecoder {
    static func decode(_ reader: inout MapReader, into policy: inout TrafficPolicy) {
        if let simple = reader.text("simple") {
            switch simple {
            case "", "UNSPECIFIED", "LEAST_CONN", "LEAST_REQUEST": policy.balancing = .leastRequest
            case "RANDOM": policy.balancing = .random
            case "ROUND_ROBIN": policy.balancing = .roundRobin
            case "PASSTHROUGH": policy.balancing = .passthrough
            default:
                let expected = "expected LEAST_REQUEST, RANDOM, ROUND_ROBIN or PASSTHROUGH"
                reader.complain(reader.line, reader.field("simple"), "\(expected), found \"\(simple.prefix(64))\"")
            }
        }
        if var hash = reader.map("consistentHash") {
            if let key = key(&hash) {
                policy.balancing = .consistentHash(ConsistentHash(key: key, table: table(&hash)))
            }
            hash.complainAboutTheRest()
            reader.absorb(hash)
        }
        if var locality = reader.map("localityLbSetting") {
            policy.locality = self.locality(&locality)
            locality.complainAboutTheRest()
            reader.absorb(locality)
        }
        if var warmUp = reader.map("warmup") {
            if let duration = warmUp.time("duration") {
                policy.warmUp = WarmUp(
                    duration: duration, minimumPercent: UInt32(warmUp.integer("minimumPercent", 0...100) ?? 10),
                    aggression: warmUp.number("aggression", 1...1000) ?? 1)
            } else if warmUp.problems.isEmpty {
                warmUp.complain(warmUp.line, warmUp.field("duration"), "is missing")
            }
            warmUp.complainAboutTheRest()
            reader.absorb(warmUp)
        } else if let duration = reader.time("warmupDurationSecs") {
            policy.warmUp = WarmUp(duration: duration)
        }
        reader.refuse(["zoneAwareLbSetting"], "is not supported by waypoints")
    }

    private static func key(_ reader: inout MapReader) -> ConsistentHash.Key? {
        var keys: [ConsistentHash.Key] = []
        if reader.has("httpHeaderName"), let name = reader.headerName("httpHeaderName") { keys.append(.header(name)) }
        if var cookie = reader.map("httpCookie") {
            let name = cookie.converted("name") { text throws(RouteValueError) in try HTTPToken(text) }
            let path = cookie.converted("path") { text throws(RouteValueError) in try RoutePath(text) }
            if let name { keys.append(.cookie(HashCookie(name: name, path: path, lifetime: cookie.time("ttl")))) }
            cookie.refuse(["attributes"], "is not supported by waypoints")
            cookie.complainAboutTheRest()
            reader.absorb(cookie)
        }
        if reader.flag("useSourceIp") == true { keys.append(.sourceAddress) }
        if let name = reader.text("httpQueryParameterName"), !name.isEmpty { keys.append(.queryParameter(name)) }
        guard keys.count == 1 else {
            let expected = "expected exactly one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName"
            if reader.problems.isEmpty { reader.complain(reader.line, reader.path, "\(expected), found \(keys.count)") }
            return nil
        }
        return keys.first
    }

    private static func table(_ reader: inout MapReader) -> ConsistentHash.Table {
        let sizes = 0...Int(UInt32.max)
        var table = ConsistentHash.Table.ring(minimumSize: 1024)
        if let size = reader.integer("minimumRingSize", sizes), size > 0 {
            table = .ring(minimumSize: UInt32(clamping: size))
        }
        if var ring = reader.map("ringHash") {
            if let size = ring.integer("minimumRingSize", sizes), size > 0 {
                table = .ring(minimumSize: UInt32(clamping: size))
            }
            ring.complainAboutTheRest()
            reader.absorb(ring)
        }
        if var maglev = reader.map("maglev") {
            table = .maglev(size: UInt32(clamping: maglev.integer("tableSize", sizes) ?? 65_537))
            maglev.complainAboutTheRest()
            reader.absorb(maglev)
        }
        return table
    }

    /// Labels that say where an endpoint stands; waypoints know no others of endpoints.
    private static let scopes: [String: LoadBalancing.Scope] = [
        "topology.kubernetes.io/region": .region, "topology.kubernetes.io/zone": .zone,
        "topology.istio.io/subzone": .subzone, "topology.istio.io/network": .network,
        "topology.istio.io/cluster": .cluster, "kubernetes.io/hostname": .node,
    ]

    private static func locality(_ reader: inout MapReader) -> LocalityPreference? {
        if reader.flag("enabled") == false {
            reader.skip(["distribute", "failover", "failoverPriority"])
            return .off
        }
        var found: [LocalityPreference] = []
        let shares = reader.maps("distribute").compactMap { share(&reader, $0) }
        if !shares.isEmpty { found.append(.distribute(shares)) }
        var regions: [String: String] = [:]
        for var entry in reader.maps("failover") {
            if let from = entry.text("from"), let to = entry.text("to") { regions[from] = to }
            entry.complainAboutTheRest()
            reader.absorb(entry)
        }
        if !regions.isEmpty { found.append(.failover(regions: regions)) }
        var scopes: [LoadBalancing.Scope] = []
        for label in reader.texts("failoverPriority") ?? [] {
            guard let scope = Self.scopes[label.text] else {
                reader.complain(label.line, label.field, "waypoints know only the labels of places, without values")
                break
            }
            scopes.append(scope)
        }
        if !scopes.isEmpty { found.append(.scopes(scopes)) }
        if found.count > 1 {
            reader.complain(
                reader.line, reader.path, "expected only one of distribute, failover, failoverPriority")
        }
        return found.first
    }

    private static func share(_ reader: inout MapReader, _ entry: MapReader) -> LocalityShare? {
        var entry = entry
        let from = entry.text("from") ?? "*"
        var shares: [String: UInt32] = [:]
        for (place, text) in entry.labels("to") ?? [:] {
            if let percent = UInt32(text), percent <= 100 {
                shares[place] = percent
            } else {
                entry.complain(entry.line, entry.field("to"), "expected percentages, found \"\(text.prefix(64))\"")
            }
        }
        entry.complainAboutTheRest()
        defer { reader.absorb(entry) }
        return entry.problems.isEmpty ? LocalityShare(from: from, to: shares) : nil
    }
}
