import RedisCore
import ServerSelection
import Testing

/// What nodes say, at times in milliseconds; each is asked over its own connection.
@Suite("Which of all nodes leads")
struct LeaderObservationsTests {
    private final class Connection {}

    private static let ids = ["a", "b", "c", "d"].map { String(repeating: $0, count: 40) }
    private let connections = ["n0", "n1", "n2"].map { ($0, Connection()) }
    private var observations = LeaderObservations(placeholder: "n0")

    private enum Said {
        /// - Parameters: its history, and the one that it continues.
        case master(String, from: String? = nil, fork: Int64 = 101, offset: Int64 = 200, refuses: Bool = false)
        case replica(String)
    }

    private static func id(_ name: String) -> String { String(repeating: name, count: 40) }

    private mutating func hear(_ node: String, _ said: Said, at time: Int64, process: String? = nil) {
        var info: ReplicationInfo
        switch said {
        case .master(let name, let origin, let fork, let offset, let refuses):
            info = ReplicationInfo(
                role: .master, replicationID: Self.id(name), secondReplicationID: origin.map(Self.id), offset: offset,
                secondOffset: origin == nil ? -1 : fork)
            info.refusesWrites = refuses
        case .replica(let name):
            info = ReplicationInfo(
                role: .replica, masterLink: .init(host: "m", port: 1, isUp: true), replicationID: Self.id(name),
                offset: 200)
        }
        let connection = connections.first { $0.0 == node }?.1
        observations.take(
            .init(
                server: process ?? node, endpoint: node, information: info, askedAt: time * 1_000_000,
                answeredAt: time * 1_000_000 + 500_000), over: connection.map { ObjectIdentifier($0) }!)
    }

    private mutating func lose(_ node: String) {
        for connection in connections where connection.0 == node {
            observations.lose(ObjectIdentifier(connection.1))
        }
    }

    /// In a word: what leads, `-` none, `!` one that refuses writes, `?` unclear, `x` several.
    private mutating func verdict(at time: Int64) -> String {
        switch observations.verdict(at: time * 1_000_000) {
        case .leads(let leader): leader.endpoint
        case .refusesWrites(let leader): "!\(leader.endpoint)"
        case .none: "-"
        case .unclear: "?"
        case .several(let several): "x" + several.map(\.endpoint).joined(separator: "+")
        }
    }

    @Test("the one node that says it is the master leads; without one there is no leader")
    mutating func one() {
        #expect(verdict(at: 0) == "-")
        hear("n1", .replica("a"), at: 1)
        #expect(verdict(at: 2) == "-")
        hear("n0", .master("a"), at: 3)
        #expect(verdict(at: 4) == "n0")
        hear("n0", .replica("a"), at: 5)
        #expect(verdict(at: 6) == "-")
    }

    @Test("one that refuses writes leads, and takes none")
    mutating func refusing() {
        hear("n0", .master("a", refuses: true), at: 1)
        #expect(verdict(at: 2) == "!n0")
        hear("n0", .master("a"), at: 3)
        #expect(verdict(at: 4) == "n0")
    }

    @Test("the younger of two leads, also while it refuses writes and the older one takes them")
    mutating func younger() {
        hear("n0", .master("a"), at: 1)
        hear("n1", .master("b", from: "a", refuses: true), at: 2)
        #expect(verdict(at: 3) == "!n1")
        hear("n1", .master("b", from: "a"), at: 4)
        #expect(verdict(at: 5) == "n1")
        hear("n0", .master("a", offset: 900), at: 6)
        #expect(verdict(at: 7) == "n1", "whatever the older one writes")
    }

    @Test("a former leader that was frozen for two changes is known by the ones between")
    mutating func lineage() {
        hear("n0", .master("a"), at: 1)
        hear("n1", .master("b", from: "a"), at: 2)
        #expect(verdict(at: 3) == "n1")
        lose("n0")
        lose("n1")
        hear("n2", .master("c", from: "b"), at: 4)
        #expect(verdict(at: 5) == "n2")
        hear("n0", .master("a"), at: 6)
        #expect(verdict(at: 7) == "n2")
    }

    @Test(
        "several of which none continues all others: none leads, once each was asked after the others had answered",
        arguments: [("c", "d", nil, nil), ("b", "c", "a", "a"), ("a", "a", nil, nil)]
            as [(String, String, String?, String?)])
    mutating func several(first: String, second: String, firstFrom: String?, secondFrom: String?) {
        hear("n0", .master(first, from: firstFrom), at: 1)
        #expect(verdict(at: 2) == "n0")
        hear("n1", .master(second, from: secondFrom), at: 3)
        #expect(verdict(at: 4) == "?", "the first one may have become a replica meanwhile")
        hear("n0", .master(first, from: firstFrom), at: 5)
        #expect(verdict(at: 6) == "xn0+n1")
        hear("n0", .replica(second), at: 7)
        #expect(verdict(at: 8) == "n1")
    }

    @Test("a node that does not answer any more leads no more, nor does one whose connection has ended")
    mutating func silence() {
        hear("n0", .master("a"), at: 1)
        #expect(verdict(at: 4000) == "n0")
        #expect(verdict(at: 4600) == "-")
        hear("n0", .master("a"), at: 4700)
        lose("n0")
        #expect(verdict(at: 4701) == "-")
        hear("n0", .master("a"), at: 4800)
        observations.refuse("n0")
        #expect(verdict(at: 4801) == "-")
    }

    @Test("another process at a node's address takes the place of the one before, over whichever connection it was met")
    mutating func restarted() {
        hear("n0", .master("a"), at: 1, process: "first")
        let other = Connection()
        observations.take(
            .init(
                server: "second", endpoint: "n0",
                information: ReplicationInfo(role: .master, replicationID: Self.id("d")), askedAt: 2_000_000,
                answeredAt: 2_000_001), over: ObjectIdentifier(other))
        #expect(verdict(at: 3) == "n0")
        #expect(observations.selection.history?.id == ReplicationID(Self.id("d")))
    }

    @Test("an answer to an earlier question changes nothing")
    mutating func late() {
        hear("n0", .replica("a"), at: 5)
        hear("n0", .master("a"), at: 1)
        #expect(verdict(at: 6) == "-")
    }

    @Test("the change of the leader says what the new one does not have")
    mutating func change() {
        hear("n0", .master("a", offset: 250), at: 1)
        #expect(verdict(at: 2) == "n0")
        #expect(observations.selection.lastChange == nil, "the first one takes no other's place")
        lose("n0")
        #expect(verdict(at: 3) == "-")
        #expect(observations.selection.history?.id == ReplicationID(Self.id("a")), "the last one's stays meanwhile")
        hear("n1", .master("b", from: "a", fork: 201), at: 4)
        #expect(verdict(at: 5) == "n1")
        #expect(
            observations.selection.lastChange
                == MasterSelection.Change(from: "n0", to: "n1", lostBytes: 50, isOldOneStillMaster: false))
        hear("n0", .master("a", offset: 300), at: 6)
        #expect(verdict(at: 7) == "n1")
        let old = ReplicationInfo(role: .master, replicationID: Self.id("a"), offset: 300)
        #expect(observations.selection.standing(of: old) == .strayMaster, "no read goes there")
    }

    @Test("where others decide, the one that they name leads once it says so, whatever else is said")
    mutating func named() {
        hear("n0", .master("a"), at: 0)
        hear("n1", .master("b", from: "a"), at: 0)
        // The history of n1 continues the other one, and yet n0 is named.
        #expect(leader(of: observations.verdict(at: 1_000_000, named: "n0")) == "n0")
        #expect(observations.verdict(at: 1_000_000, named: "n2") == .none, "not heard")
        hear("n2", .replica("b"), at: 10)
        #expect(observations.verdict(at: 20_000_000, named: "n2") == .none, "a replica")
        #expect(observations.selection.endpoint == "n0", "the last one stays")
        #expect(leader(of: observations.verdict(at: 20_000_000, named: "n1")) == "n1")
        #expect(observations.selection.lastChange?.isOldOneStillMaster == true)
        hear("n1", .master("b", from: "a", refuses: true), at: 30)
        guard case .refusesWrites = observations.verdict(at: 40_000_000, named: "n1") else {
            Issue.record("it refuses writes")
            return
        }
        #expect(observations.verdict(at: 40_000_000_000, named: "n1") == .none, "not heard for long")
    }

    private func leader(of verdict: LeaderObservations.Verdict) -> String? {
        if case .leads(let leader) = verdict { leader.endpoint } else { nil }
    }
}
