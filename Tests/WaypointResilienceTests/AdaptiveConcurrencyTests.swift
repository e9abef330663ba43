import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("The adaptive limit follows the latency")
struct AdaptiveConcurrencyTests {
    /// A service of so many workers, each request taking 10 ms of one: beyond them, requests queue.
    private struct Simulation {
        var control: AdaptiveConcurrency
        var generator = SeededGenerator(seed: 11)
        var now = Duration.zero
        var running: [(started: Duration, end: Duration)] = []
        var freeAt: [Duration]
        var refused = 0
        var limits: [Int] = []
        var latencies: [Duration] = []

        init(_ settings: AdaptiveConcurrencySettings, workers: Int) {
            control = AdaptiveConcurrency(settings)
            freeAt = Array(repeating: .zero, count: workers)
        }

        mutating func run(_ duration: Duration, every interval: Duration) {
            let end = now + duration
            while now < end {
                now += interval
                for request in running where request.end <= now {
                    latencies.append(request.end - request.started)
                    control.end(started: request.started, now: now, isSample: true, using: &generator)
                }
                running.removeAll { $0.end <= now }
                limits.append(control.limit)
                guard control.start() else {
                    refused += 1
                    continue
                }
                let worker = freeAt.indices.min { freeAt[$0] < freeAt[$1] } ?? 0
                freeAt[worker] = max(now, freeAt[worker]) + .milliseconds(10)
                running.append((now, freeAt[worker]))
            }
        }
    }

    @Test("under twice the load a service can take, the limit settles near what it can do at once")
    func overload() {
        var simulation = Simulation(AdaptiveConcurrencySettings(), workers: 20)
        // 20 workers do 2,000 requests a second; 4,000 come.
        simulation.run(.seconds(5), every: .microseconds(250))
        simulation.limits.removeAll()
        simulation.latencies.removeAll()
        simulation.run(.seconds(20), every: .microseconds(250))
        let mean = Double(simulation.limits.reduce(0, +)) / Double(simulation.limits.count)
        #expect((18...45).contains(mean), "\(mean)")
        #expect(simulation.refused > 10_000)
        let slow = simulation.latencies.count { $0 > .milliseconds(30) }
        #expect(slow * 100 < simulation.latencies.count * 5, "\(slow) of \(simulation.latencies.count)")
    }

    @Test("with little load the limit grows to its bound, and nothing is refused once it is measured")
    func idle() {
        var settings = AdaptiveConcurrencySettings()
        settings.limitMax = 200
        var simulation = Simulation(settings, workers: 50)
        simulation.run(.seconds(20), every: .milliseconds(5))
        #expect(simulation.control.limit == 200 && simulation.refused == 0)
        #expect(simulation.control.baseLatency.map { $0 <= .milliseconds(15) } == true)
    }

    @Test("the limit stays within its bounds, and who has a place gives it back", arguments: 0..<100 as Range<UInt64>)
    func bounds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var settings = AdaptiveConcurrencySettings()
        settings.limitMax = 60
        settings.quietInterval = .seconds(2)
        settings.quietRequests = 5
        var control = AdaptiveConcurrency(settings)
        var running: [Duration] = []
        var now = Duration.zero
        for _ in 0..<2000 {
            now += .milliseconds(Int.random(in: 0...20, using: &generator))
            if Bool.random(using: &generator) {
                if control.start() { running.append(now) }
            } else if let place = running.indices.randomElement(using: &generator) {
                let isSample = Bool.random(using: &generator)
                control.end(started: running.remove(at: place), now: now, isSample: isSample, using: &generator)
            }
            #expect((3...60).contains(control.limit) && control.active == running.count)
        }
    }

    @Test("measurements come back after the interval with chance in it, and only new requests count for them")
    func quiet() {
        var settings = AdaptiveConcurrencySettings()
        settings.quietRequests = 1
        settings.quietInterval = .seconds(10)
        var control = AdaptiveConcurrency(settings)
        var generator = SeededGenerator(seed: 2)
        func request(_ start: Duration, _ end: Duration) {
            _ = control.start()
            control.end(started: start, now: end, isSample: true, using: &generator)
        }
        request(.zero, .milliseconds(10))
        #expect(control.baseLatency == .milliseconds(10))
        var now = Duration.milliseconds(10)
        while now < .seconds(9.9) {
            now += .milliseconds(50)
            request(now - .milliseconds(10), now)
        }
        let busy = control.limit
        #expect(busy > 50)
        while control.limit == busy || control.limit > 3, now < .seconds(13) {
            now += .milliseconds(50)
            request(now - .milliseconds(10), now)
        }
        #expect(now >= .seconds(10) && now <= .seconds(11.8) && control.limit == 3)
        // Began under the load of before.
        request(now - .seconds(1), now + .milliseconds(1))
        #expect(control.baseLatency == .milliseconds(10) && control.limit == 3)
        request(now + .milliseconds(1), now + .milliseconds(21))
        #expect(control.baseLatency == .milliseconds(20) && control.limit > 50)
    }
}
