import RedisCore
import ServerSelection
import Testing

/// Histories are letters, servers are endpoints; the configured master is at `m`, the replicas are at `r`, `s` and `t`.
@Suite("Which server is the master")
struct MasterSelectionTests {
    static func id(_ letter: Character) -> String { String(repeating: letter, count: 40) }

    /// One server's answer, as in `m: master A@100` or `r: master B@130<A@101` (it was promoted at offset 100 of A).
    struct Scene {
        var observations: [ServerObservation] = []

        static func master(
            _ endpoint: String, _ id: Character, _ offset: Int64 = 100, from origin: Character? = nil,
            at fork: Int64 = 101,
            attached: Int = 0, seenAt: Int64
        ) -> ServerObservation {
            ServerObservation(
                endpoint: endpoint,
                information: ReplicationInfo(
                    role: .master,
                    replicas: (0..<attached).map {
                        .init(address: "10.0.0.\($0)", port: 6379, state: "online", offset: offset, lagSeconds: 0)
                    }, replicationID: MasterSelectionTests.id(id),
                    secondReplicationID: origin.map(MasterSelectionTests.id), offset: offset,
                    secondOffset: origin == nil ? -1 : fork), seenAt: seenAt)
        }

        static func replica(
            _ endpoint: String, _ id: Character, _ offset: Int64 = 100, isUp: Bool = true, seenAt: Int64
        ) -> ServerObservation {
            ServerObservation(
                endpoint: endpoint,
                information: ReplicationInfo(
                    role: .replica,
                    masterLink: .init(
                        host: "e", port: 1, isUp: isUp, downSeconds: isUp ? nil : 1, appliedOffset: offset),
                    replicationID: MasterSelectionTests.id(id), offset: offset), seenAt: seenAt)
        }
    }

    /// A selection and its clock, in seconds.
    struct Story {
        var selection = MasterSelection(configured: "m")
        var now: Int64 = 0

        /// Servers are seen, one second after the last time.
        mutating func see(_ observations: (Int64) -> [ServerObservation]) {
            now += 1_000_000_000
            selection.take(observations(now), at: now)
        }

        /// The same, for so many seconds.
        mutating func see(for seconds: Int, _ observations: (Int64) -> [ServerObservation]) {
            for _ in 0..<seconds { see(observations) }
        }

        /// Master `m` of history a, with replicas, for ten seconds.
        static func settled(replicas: [String] = ["r", "s"]) -> Story {
            var story = Story()
            story.see(for: 10) { now in
                [Scene.master("m", "a", attached: replicas.count, seenAt: now)]
                    + replicas.map { Scene.replica($0, "a", seenAt: now) }
            }
            return story
        }

        var master: String? { selection.rivals.isEmpty ? selection.endpoint : nil }

        func standing(_ observation: ServerObservation) -> ServerStanding {
            selection.standing(of: observation.information)
        }
    }

    @Test func `the configured master is the master, alone and with replicas`() {
        var story = Story()
        story.see { [Scene.master("m", "a", seenAt: $0)] }
        #expect(story.master == "m")
        #expect(Story.settled().master == "m")
    }

    @Test func `a stray master beside a master that replicas follow stays a stray, however long`() {
        var story = Story.settled()
        let stray = { (now: Int64) in Scene.master("r", "b", 130, from: "a", seenAt: now) }
        for _ in 0..<20 {
            story.see {
                [Scene.master("m", "a", 200, attached: 1, seenAt: $0), stray($0), Scene.replica("s", "a", seenAt: $0)]
            }
            #expect(story.master == "m")
        }
        #expect(story.standing(stray(0)) == .strayMaster)
        // Not even when the last replica goes, or the master is away for a moment.
        story.see { [Scene.master("m", "a", 200, seenAt: $0), stray($0)] }
        #expect(story.master == "m")
        story.see(for: 5) { [stray($0)] }
        #expect(story.master == "m")
        // What the replicas were pointed at is meant.
        story.see { [stray($0), Scene.replica("s", "b", 130, seenAt: $0)] }
        #expect(story.master == "r")
    }

    /// A stray beside a master that goes on writing, then the stray and the other replica alone.
    ///
    /// - Parameters:
    ///   - seconds: how long the two are masters.
    ///   - bytes: what is written to the master in each of these seconds.
    private static func stray(for seconds: Int, bytes: Int64) -> (Story, (Int64) -> [ServerObservation]) {
        var story = Story.settled()
        var offset: Int64 = 100
        for _ in 0..<seconds {
            offset += bytes
            story.see {
                [
                    Scene.master("m", "a", offset, attached: 1, seenAt: $0),
                    Scene.master("r", "b", from: "a", seenAt: $0), Scene.replica("s", "a", offset, seenAt: $0),
                ]
            }
        }
        let rest = { [offset] (now: Int64) in
            [
                Scene.master("r", "b", from: "a", seenAt: now),
                Scene.replica("s", "a", offset, isUp: false, seenAt: now),
            ]
        }
        return (story, rest)
    }

    @Test func `a stray of a minute takes the place of a master that stays away, not of one that restarts`() {
        var (story, rest) = Self.stray(for: 20, bytes: 1000)
        story.see(for: 10, rest)
        #expect(story.master == "m")
        var restarted = story
        restarted.see { rest($0) + [Scene.master("m", "d", 20_100, from: "a", at: 20_101, seenAt: $0)] }
        #expect(restarted.master == "m")
        story.see(rest)
        #expect(story.master == "r")
        #expect(story.selection.lastChange?.lostBytes == 20_000)
    }

    @Test func `a stray that is older takes it only where nothing was written meanwhile but pings`() {
        for (bytes, master) in [(1, "r"), (2, "m"), (1000, "m")] as [(Int64, String)] {
            var (story, rest) = Self.stray(for: 600, bytes: bytes)
            story.see(for: 60, rest)
            #expect(story.master == master, "\(bytes)")
        }
    }

    @Test func `a stray does not take it while the master reads its data`() {
        var (story, rest) = Self.stray(for: 20, bytes: 10)
        for _ in 0..<60 {
            story.now += 1_000_000_000
            story.selection.take(rest(story.now), isMasterLoading: true, at: story.now)
        }
        #expect(story.master == "m")
    }

    @Test func `a stray that was there before the process is old`() {
        var story = Story()
        story.see(for: 4) {
            [
                Scene.master("m", "a", 5000, attached: 1, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0),
                Scene.replica("s", "a", 5000, seenAt: $0),
            ]
        }
        let rest = { (now: Int64) in
            [Scene.master("r", "b", from: "a", seenAt: now), Scene.replica("s", "a", 5000, isUp: false, seenAt: now)]
        }
        story.see(for: 60, rest)
        #expect(story.master == "m")
        // Nor by a process that begins now, until more was written to it than the other replica has more.
        var later = Story()
        later.see(for: 10, rest)
        #expect(later.master == "m")
        later.see {
            [
                Scene.master("r", "b", 10_000, from: "a", seenAt: $0),
                Scene.replica("s", "a", 5000, isUp: false, seenAt: $0),
            ]
        }
        #expect(later.master == "r")
    }

    @Test func `a replica that is promoted while the master is away is the master at once`() {
        var story = Story.settled()
        story.see {
            [Scene.replica("r", "a", isUp: false, seenAt: $0), Scene.replica("s", "a", isUp: false, seenAt: $0)]
        }
        #expect(story.master == "m")
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0), Scene.replica("s", "a", isUp: false, seenAt: $0)] }
        #expect(story.master == "r")
        #expect(
            story.selection.lastChange == .init(from: "m", to: "r", lostBytes: 0, isOldOneStillMaster: false))
    }

    @Test func `a promotion that loses bytes says how many`() {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", from: "a", at: 61, seenAt: $0)] }
        #expect(story.selection.lastChange?.lostBytes == 40)
    }

    @Test func `the old master is left while it still takes writes, once the replicas follow the new one`() {
        var story = Story.settled()
        story.see {
            [
                Scene.master("m", "a", 150, seenAt: $0),
                Scene.master("r", "b", 140, from: "a", attached: 1, seenAt: $0),
                Scene.replica("s", "b", 140, seenAt: $0),
            ]
        }
        #expect(story.master == "r")
        #expect(
            story.selection.lastChange == .init(from: "m", to: "r", lostBytes: 50, isOldOneStillMaster: true))
        #expect(story.standing(Scene.master("m", "a", seenAt: 0)) == .strayMaster)
    }

    @Test func `where no replica follows either, the younger history wins once both were asked again`() {
        var story = Story.settled(replicas: ["r"])
        let both = { (now: Int64) in
            [Scene.master("m", "a", seenAt: now), Scene.master("r", "b", from: "a", seenAt: now)]
        }
        story.see(both)
        #expect(story.master == "m")
        story.see(both)
        #expect(story.master == "r")
    }

    @Test func `replicas that the app does not know count as followers`() {
        var story = Story.settled(replicas: ["r"])
        story.see(for: 4) {
            [Scene.master("m", "a", attached: 1, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0)]
        }
        #expect(story.master == "m")
    }

    @Test func `one server at two endpoints is one master, and the configured endpoint is taken`() {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0)] }
        #expect(story.master == "r")
        let change = story.selection.lastChange
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0), Scene.master("m", "b", from: "a", seenAt: $0)] }
        #expect(story.master == "m")
        #expect(story.selection.lastChange == change)
        #expect(story.standing(Scene.master("r", "b", from: "a", seenAt: 0)) == .master)
    }

    @Test(arguments: [nil, "a"] as [Character?])
    func `a master that restarts with a new history stays the master, and its replicas stay replicas`(
        origin: Character?
    ) {
        var story = Story.settled()
        let late = [Scene.replica("r", "a", isUp: false, seenAt: 0), Scene.replica("s", "a", isUp: false, seenAt: 0)]
        story.see { _ in late }
        story.see { [Scene.master("m", "d", 0, from: origin, seenAt: $0)] + late }
        #expect(story.master == "m")
        for replica in late { #expect(story.standing(replica) == .replica) }
    }

    @Test func `a master that restarts while a replica is promoted gives way to it`() {
        var story = Story.settled()
        story.see { _ in [] }
        story.see { [Scene.master("m", "d", 0, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0)] }
        #expect(story.master == "r")
    }

    @Test func `a master that restarts beside an old stray stays the master`() {
        var story = Story.settled(replicas: ["r"])
        story.see(for: 10) {
            [Scene.master("m", "a", attached: 1, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0)]
        }
        story.see { [Scene.master("r", "b", from: "a", seenAt: $0)] }
        story.see(for: 3) {
            [Scene.master("m", "d", 0, from: "a", seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0)]
        }
        #expect(story.master == "m")
    }

    @Test func `a foreign master is never followed by one who knows the history`() {
        var story = Story.settled()
        story.see(for: 3) {
            [
                Scene.master("m", "a", seenAt: $0), Scene.master("r", "e", attached: 2, seenAt: $0),
                Scene.replica("s", "e", seenAt: $0),
            ]
        }
        #expect(story.master == "m")
        #expect(story.standing(Scene.replica("s", "e", seenAt: 0)) == .foreign)
        #expect(story.standing(Scene.master("r", "e", seenAt: 0)) == .strayMaster)
    }

    // MARK: Replicas

    @Test func `a replica is judged by its history and its link`() {
        var story = Story.settled()
        story.see { [Scene.master("r", "b", 130, from: "a", at: 101, seenAt: $0)] }
        let table: [(ServerObservation, ServerStanding)] = [
            (Scene.replica("s", "b", 120, seenAt: 0), .replica),
            // Chained, or not moved yet: all that it has is in the master's history.
            (Scene.replica("s", "a", 100, seenAt: 0), .behind),
            // It follows the old master, beyond the point at which the new one left it.
            (Scene.replica("s", "a", 101, seenAt: 0), .foreign), (Scene.replica("s", "e", 5, seenAt: 0), .foreign),
            (Scene.replica("s", "e", 5, isUp: false, seenAt: 0), .replica),
            (Scene.replica("s", "a", 300, isUp: false, seenAt: 0), .replica),
            (Scene.master("m", "a", seenAt: 0), .strayMaster), (Scene.master("m", "b", seenAt: 0), .master),
        ]
        for (observation, standing) in table { #expect(story.standing(observation) == standing, "\(observation)") }
    }

    @Test func `the order of observations does not matter`() {
        let scenes: [(Int64) -> [ServerObservation]] = [
            {
                [
                    Scene.master("m", "a", attached: 1, seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0),
                    Scene.replica("s", "a", seenAt: $0),
                ]
            },
            {
                [
                    Scene.master("t", "c", from: "b", seenAt: $0), Scene.master("r", "b", from: "a", seenAt: $0),
                    Scene.replica("s", "b", seenAt: $0),
                ]
            },
            { [Scene.master("r", "b", from: "a", seenAt: $0), Scene.master("s", "c", from: "a", seenAt: $0)] },
        ]
        for scene in scenes {
            var forward = Story.settled()
            var backward = Story.settled()
            forward.see(scene)
            backward.see { scene($0).reversed() }
            #expect(forward.selection.endpoint == backward.selection.endpoint)
            #expect(forward.selection.rivals == backward.selection.rivals)
        }
    }
}
