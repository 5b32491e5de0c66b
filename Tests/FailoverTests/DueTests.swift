import Testing

@testable import Failover

@Suite("Time")
struct DueTests {
    @Test("has to be given when the lease may be taken, and when fencing has to begin")
    func due() {
        var scene = Scene()
        scene.see(Scene.record())
        _ = scene.machine.tick(at: scene.now)
        #expect(scene.machine.nextDue == .milliseconds(1_005_100))
        #expect(Scene.leading().machine.nextDue == .seconds(1004))
        #expect(Scene().machine.nextDue == nil)
    }
}
