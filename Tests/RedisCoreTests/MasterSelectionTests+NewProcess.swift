import RedisCore
import ServerSelection
import Testing

/// Histories are letters, servers are endpoints; the configured master is at `m`, the replicas are at `r`, `s` and `t`.
// A process that has just begun.
extension MasterSelectionTests {
    @Test func `a new process finds the promoted one that the replicas follow, whatever comes first`() {
        let observations: [(Int64) -> ServerObservation] = [
            { Scene.master("m", "d", 0, seenAt: $0) },
            { Scene.master("r", "b", 130, from: "a", attached: 1, seenAt: $0) },
            { Scene.replica("s", "b", 130, seenAt: $0) },
        ]
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            var story = Story()
            for count in 1...3 { story.see { now in order.prefix(count).map { observations[$0](now) } } }
            // The old master that came back is configured; the replicas show which one is meant.
            #expect(story.master == "r")
        }
    }

    @Test func `a new process follows a promoted server whose origin the other replica still has`() {
        var story = Story()
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0), Scene.replica("s", "a", isUp: false, seenAt: $0)] }
        #expect(story.master == "r")
        var other = Story()
        other.see { [Scene.master("r", "b", from: "e", seenAt: $0), Scene.replica("s", "a", isUp: false, seenAt: $0)] }
        #expect(other.master == "m")
    }

    @Test func `a new process does not follow a server that never was a replica`() {
        var story = Story()
        story.see(for: 10) { [Scene.master("r", "b", seenAt: $0)] }
        #expect(story.master == "m")
        #expect(story.standing(Scene.master("r", "b", seenAt: 0)) == .unknown)
    }

    @Test func `a new process that meets the stray first leaves it as soon as a replica shows whom it follows`() {
        var story = Story()
        story.see { [Scene.master("r", "b", 0, from: "a", at: 1, seenAt: $0)] }
        story.see {
            [
                Scene.master("r", "b", 0, from: "a", at: 1, seenAt: $0), Scene.master("m", "a", 40, seenAt: $0),
                Scene.replica("s", "a", 40, seenAt: $0),
            ]
        }
        #expect(story.selection.endpoint == "m")
        #expect(story.selection.rivals.isEmpty)
    }

    @Test func `a new process with a stray follows the replicas`() {
        var story = Story()
        story.see {
            [
                Scene.master("m", "a", attached: 1, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0),
                Scene.replica("s", "a", seenAt: $0),
            ]
        }
        #expect(story.master == "m")
    }

    @Test func `a server that names no history is judged by nothing`() {
        var story = Story.settled()
        let nameless = ReplicationInfo(role: .master)
        #expect(story.selection.standing(of: nameless) == .unknown)
        story.see { [ServerObservation(endpoint: "m", information: nameless, seenAt: $0)] }
        #expect(story.master == "m")
    }
}
