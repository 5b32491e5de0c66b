import Testing

@testable import Failover

@Suite("The lease is read")
struct StorePaceTests {
    private static func reads(_ scene: inout Scene) -> Bool {
        let actions = scene.machine.tick(at: scene.now)
        return actions.contains(.readLease)
    }

    @Test("every interval, and not besides what the store tells of each renewal")
    func told() {
        var scene = Scene()
        var record = Scene.record()
        scene.see(record)
        scene.now += .seconds(1)
        #expect(Self.reads(&scene))
        scene.storeAnswersAgain()
        for _ in 0..<20 {
            let isRead = scene.machine.storeTold(at: scene.now)
            #expect(isRead)
            record.renewals += 1
            scene.see(record)
            for _ in 0..<6 {
                scene.now += .milliseconds(200)
                #expect(!Self.reads(&scene))
            }
        }
        // The holder is silent.
        scene.now += .milliseconds(300)
        #expect(Self.reads(&scene))
        scene.now += .seconds(1)
        #expect(Self.reads(&scene))
    }

    @Test("by a leader where another node may have changed it, and not after each renewal of its own")
    func leader() {
        var scene = Scene.leading()
        for _ in 0..<20 {
            scene.now += .seconds(1)
            let renews = scene.machine.tick(at: scene.now)
            guard
                case .writeLease(let record, _)? = renews.first(where: {
                    if case .writeLease = $0 { true } else { false }
                })
            else {
                Issue.record("\(renews)")
                return
            }
            #expect(!renews.contains(.readLease))
            let isOwn = scene.machine.storeTold(at: scene.now)
            #expect(!isOwn)
            _ = scene.machine.leaseWritten(
                record, LeaseVersion("\(record.renewals)"), sentAt: scene.now, at: scene.now + .milliseconds(5))
            let isOwnToo = scene.machine.storeTold(at: scene.now + .milliseconds(6))
            #expect(!isOwnToo)
        }
        let isOther = scene.machine.storeTold(at: scene.now + .milliseconds(600))
        #expect(isOther)
    }
}
