import ControlSources
import MeshModel
import SeededTesting
import Testing

@testable import ControlKubernetes

@Suite("Statuses that are kept")
struct StatusMachineTests {
    private func model(_ count: Int = 3, _ limits: StatusLimits = StatusLimits()) -> StatusModel {
        var model = StatusModel(seed: 1, limits: limits)
        for number in 0..<count { model.put("s\(number)", conditions: [StatusModel.foreign]) }
        model.deliver()
        model.wish(Dictionary(uniqueKeysWithValues: (0..<count).map { ("s\($0)", StatusModel.bound("yes")) }))
        return model
    }

    @Test("each object is written once, others' conditions stay, and then nothing is written any more")
    func steady() {
        var model = model()
        model.settle()
        #expect(model.wrong.isEmpty && model.machine.writeCount == 3 && model.machine.readCount == 0)
        #expect(model.conditions("s0").first == StatusModel.foreign && model.conditions("s0").count == 2)
        model.settle()
        #expect(model.machine.writeCount == 3)
    }

    @Test("after a restart nothing is written")
    func restart() {
        var model = model()
        model.settle()
        model.machine = StatusMachine()
        model.machine.enable(true)
        model.deliver()
        model.wish(["s0": StatusModel.bound("yes"), "s1": StatusModel.bound("yes"), "s2": StatusModel.bound("yes")])
        model.settle()
        #expect(model.machine.writeCount == 0 && model.machine.readCount == 0)
    }

    @Test("a wish that changes is one write each, one that ends takes the condition away")
    func changes() {
        var model = model()
        model.settle()
        model.wish(["s0": StatusModel.bound("no", false), "s1": StatusModel.bound("yes")])
        model.settle()
        #expect(model.machine.writeCount == 5 && model.wrong.isEmpty)
        #expect(model.conditions("s2") == [StatusModel.foreign])
    }

    @Test("an edit of somebody else is repaired once; a fight is bounded, and told")
    func foreignEdit() {
        var model = model(1)
        model.settle()
        model.put("s0", conditions: [])
        model.settle()
        #expect(model.machine.writeCount == 2 && model.wrong.isEmpty)
        _ = model.machine.takeTroubles()
        let before = model.machine.writeCount
        for _ in 0..<1200 {
            model.put("s0", conditions: [StatusModel.foreign])
            model.settle(seconds: 1)
        }
        // 20 minutes: five at once, then one a minute.
        let repairs = model.machine.writeCount - before
        #expect((20...26).contains(repairs), "\(repairs)")
        #expect(model.machine.takeTroubles().map(\.trouble) == [.contested], "it is told once")
        model.settle()
        #expect(model.wrong.isEmpty)
        model.put("s0", conditions: model.conditions("s0"))
        model.settle(seconds: 1)
        #expect(model.machine.takeTroubles().map(\.trouble) == [.none])
    }

    @Test("a server that drops what it takes is not asked again and again")
    func ineffective() {
        var model = StatusModel(seed: 1, keepsStatus: false)
        model.put("s0")
        model.deliver()
        model.wish(["s0": StatusModel.bound("yes")])
        model.settle()
        #expect(model.machine.writeCount == 1)
        #expect(model.machine.takeTroubles().map(\.trouble) == [.ineffective])
        model.wish(["s0": StatusModel.bound("other")])
        model.settle()
        #expect(model.machine.writeCount == 2)
    }

    @Test("what is refused rests until the object or the wish changes")
    func refused() {
        var model = model(1)
        model.ask()
        model.answer(failingWith: .invalid("no"))
        model.settle()
        #expect(model.machine.writeCount == 1)
        #expect(model.machine.takeTroubles().map(\.trouble) == [.refused(.invalid("no"))])
        model.put("s0")
        model.settle()
        #expect(model.machine.writeCount == 2 && model.wrong.isEmpty)
        #expect(model.machine.takeTroubles().map(\.trouble) == [.none])
    }

    @Test("a conflict is read and written again at once; an object that is gone is forgotten")
    func conflict() {
        var model = model(2)
        model.put("s0")
        model.remove("s1")
        model.ask()
        model.answer()
        model.answer()
        model.ask()
        model.answer()
        model.ask()
        model.answer()
        #expect(model.machine.writeCount == 3 && model.machine.readCount == 1)
        model.settle()
        #expect(model.machine.writeCount == 3 && model.wrong.isEmpty)
    }

    @Test("a busy server is left alone as long as it asks, whatever the object")
    func busy() {
        var model = model(3, StatusLimits(parallel: 1))
        model.ask()
        model.answer(failingWith: .busy(retryAfterSeconds: 30))
        model.pass(29_000)
        model.ask()
        #expect(model.isIdle)
        model.settle()
        #expect(model.wrong.isEmpty && model.machine.writeCount == 4)
    }

    @Test("only so many requests are under way, and only so many are made each second")
    func rate() {
        var model = model(200)
        model.ask()
        #expect(model.machine.writeCount == 4)
        var most = 0
        for second in 0..<10 {
            let before = model.machine.writeCount
            for _ in 0..<100 {
                while !model.isIdle { model.answer() }
                model.pass(10)
                model.ask()
            }
            if second > 1 { most = max(most, model.machine.writeCount - before) }
        }
        #expect(most <= 21 && most >= 19, "\(most)")
    }

    @Test("who may not write does not, and writes everything that is missing when he may")
    func disabled() {
        var model = model()
        model.machine.enable(false)
        model.settle()
        #expect(model.machine.writeCount == 0)
        #expect(model.machine.nextLook(nowMilliseconds: model.now) == nil)
        model.machine.enable(true)
        model.settle()
        #expect(model.machine.writeCount == 3 && model.wrong.isEmpty)
    }

    @Test("who does not lead writes the annotations of pods, and nothing else")
    func follower() throws {
        var machine = StatusMachine()
        let content = StatusWish.Content.annotation("a/b", "enabled", uid: "uid")
        var wishes = [StatusModel.wish("web", StatusModel.bound("yes"))]
        for kind in StatusKinds.pods + StatusKinds.services {
            let object: JSONValue = ["metadata": ["name": "web", "uid": "uid", "resourceVersion": "1"]]
            let stored = StoredObject(ResourceFile.Contents(), observed: ObservedObject(object, of: kind))
            machine.observe(ServedKind(kind: kind, version: "v1"), ["shop/web": stored])
        }
        machine.wish(wishes)
        let pods = try #require(StatusKinds.pods.first)
        wishes.append(StatusWish(StatusKey(pods, namespace: "shop", name: "web"), generation: 0, content))
        machine.wish(wishes)
        let requests = machine.requests(nowMilliseconds: 0, time: "2024-01-01T00:00:00Z")
        #expect(requests.map(\.key) == [StatusKey(pods, namespace: "shop", name: "web")])
    }

    @Test("whatever fails and whoever else writes, in the end the statuses are as wished", arguments: 0..<60)
    func property(_ seed: Int) {
        var model = StatusModel(seed: UInt64(seed))
        for _ in 0..<Int.random(in: 0..<300, using: &model.generator) { model.step() }
        model.machine.enable(true)
        model.wish([:])
        model.wish(["s0": StatusModel.bound("a"), "s1": StatusModel.bound("b", false)])
        while !model.isIdle { model.answer() }
        model.settle()
        #expect(model.wrong.isEmpty)
        let requests = model.machine.writeCount + model.machine.readCount
        model.settle()
        #expect(requests == model.machine.writeCount + model.machine.readCount, "it writes without a reason")
        #expect(model.machine.nextLook(nowMilliseconds: model.now) == nil)
    }
}

extension StatusLimits {
    fileprivate init(parallel: Int) {
        self.init()
        parallelMax = parallel
    }
}
