import RedisCore
import ServerSelection
import Testing

/// Histories are letters, servers are endpoints; the configured master is at `m`, the replicas are at `r`, `s` and `t`.
// Several servers that were promoted.
extension MasterSelectionTests {
    @Test func `two that were promoted and do not continue each other are rivals, and no master`() {
        var story = Story.settled()
        let rivals = { (now: Int64) in
            [
                Scene.master("r", "b", from: "a", at: 101, seenAt: now),
                Scene.master("s", "c", from: "a", at: 99, seenAt: now),
            ]
        }
        // Both in one observation; one after the other, the first is followed, and the second is a stray.
        story.see(for: 3, rivals)
        #expect(story.master == nil)
        #expect(story.standing(rivals(0)[0]) == .rival(isLastResort: true))
        #expect(story.standing(rivals(0)[1]) == .rival(isLastResort: false))
        // The operator makes one a replica of the other.
        story.see { [rivals($0)[1], Scene.replica("r", "c", seenAt: $0)] }
        #expect(story.master == "s")
    }

    @Test func `two that are promoted one after the other in one fail-over are rivals too, unless replicas follow one`()
    {
        let first = { (now: Int64) in Scene.master("r", "b", from: "a", seenAt: now) }
        let second = { (now: Int64) in Scene.master("s", "c", from: "a", at: 99, seenAt: now) }
        var story = Story.settled()
        story.see { [first($0)] }
        #expect(story.master == "r")
        story.see(for: 2) { [first($0), second($0)] }
        // Only the second observation knows when the other began.
        story.see(for: 20) { [first($0), second($0)] }
        #expect(story.master == nil)
        story.see { [first($0), second($0), Scene.replica("t", "c", seenAt: $0)] }
        #expect(story.master == "s")
        // Long after a fail-over another promotion is a stray one.
        var late = Story.settled()
        late.see(for: 10) { [first($0)] }
        late.see(for: 10) { [first($0), second($0)] }
        #expect(late.master == "r")
    }

    @Test func `of two that were promoted, the one that continues the other is the master`() {
        var story = Story.settled()
        story.see {
            [
                Scene.master("r", "b", 120, from: "a", seenAt: $0),
                Scene.master("s", "c", 140, from: "b", at: 121, seenAt: $0),
            ]
        }
        // Seen at once, only r continues what was known; s continues r.
        #expect(story.master == "r")
        story.see {
            [
                Scene.master("r", "b", 120, from: "a", seenAt: $0),
                Scene.master("s", "c", 140, from: "b", at: 121, seenAt: $0),
            ]
        }
        #expect(story.master == "s")
    }

    @Test func `a chain of two promotions is followed`() {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0)] }
        story.see {
            [Scene.master("r", "b", 120, from: "a", attached: 1, seenAt: $0), Scene.replica("s", "b", 120, seenAt: $0)]
        }
        story.see { [Scene.replica("s", "b", 120, isUp: false, seenAt: $0)] }
        story.see { [Scene.master("s", "c", 120, from: "b", at: 121, seenAt: $0)] }
        #expect(story.master == "s")
    }

    @Test(arguments: [nil, "a"] as [Character?])
    func `an old master that comes back as a second one is a stray`(origin: Character?) {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0)] }
        #expect(story.master == "r")
        for _ in 0..<8 {
            story.see {
                [Scene.master("m", "d", from: origin, seenAt: $0), Scene.master("r", "b", 120, from: "a", seenAt: $0)]
            }
            #expect(story.master == "r")
        }
        #expect(story.standing(Scene.master("m", "d", from: origin, seenAt: 0)) == .strayMaster)
    }

    @Test func `the configured server is the master again once it continues the history`() {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0)] }
        story.see(for: 3) {
            [Scene.master("r", "b", 120, from: "a", attached: 1, seenAt: $0), Scene.replica("m", "b", 120, seenAt: $0)]
        }
        #expect(story.master == "r")
        story.see {
            [
                Scene.replica("r", "b", 120, isUp: false, seenAt: $0),
                Scene.master("m", "d", 120, from: "b", at: 121, seenAt: $0),
            ]
        }
        #expect(story.master == "m")
    }
}
