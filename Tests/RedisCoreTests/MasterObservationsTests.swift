import RedisCore
import SeededRandomness
import ServerSelection
import Testing

/// Servers are letters, times are milliseconds.
@Suite("One list of observations, one verdict")
struct MasterObservationsTests {
    static func id(_ letter: Character) -> String { String(repeating: letter, count: 40) }

    /// One process: what it observed, and what it concludes.
    struct Process {
        var servers = MasterObservations(configured: "name")
        private let connections = (0..<32).map { _ in Connection() }
        private final class Connection: Sendable {}

        /// - Parameter connection: a number below 32; one connection leads to one server.
        mutating func see(
            _ server: String, _ info: ReplicationInfo, at endpoint: String, door: MasterObservations.Door = .serverList,
            over connection: Int, isKept: Bool = true, at milliseconds: Int64
        ) {
            let now = milliseconds * 1_000_000
            servers.take(
                .init(
                    server: server, endpoint: endpoint, door: door, information: info, askedAt: now - 500_000,
                    answeredAt: now), over: ObjectIdentifier(connections[connection]), isKept: isKept,
                isChosenBy: isKept,
                at: now)
        }

        mutating func lose(_ connection: Int, at milliseconds: Int64) {
            servers.lose(ObjectIdentifier(connections[connection]), at: milliseconds * 1_000_000)
        }

        mutating func verdict(at milliseconds: Int64) -> MasterObservations.Verdict {
            servers.verdict(at: milliseconds * 1_000_000)
        }

        /// The history that writes go to; `nil` where they are refused, or wait.
        mutating func target(at milliseconds: Int64) -> String? {
            guard case .one = verdict(at: milliseconds) else { return nil }
            return servers.selection.history.map { "\($0.id)" }
        }
    }

    static func master(
        _ id: Character, _ offset: Int64 = 100, from origin: Character? = nil, at fork: Int64 = 101, attached: Int = 0
    ) -> ReplicationInfo {
        ReplicationInfo(
            role: .master,
            replicas: (0..<attached).map {
                .init(address: "10.0.0.\($0)", port: 6379, state: "online", offset: offset, lagSeconds: 0)
            }, replicationID: self.id(id), secondReplicationID: origin.map(self.id), offset: offset,
            secondOffset: origin == nil ? -1 : fork)
    }

    static func replica(_ id: Character, _ offset: Int64 = 100, isUp: Bool = true) -> ReplicationInfo {
        ReplicationInfo(
            role: .replica,
            masterLink: .init(host: "e", port: 1, isUp: isUp, downSeconds: isUp ? nil : 1, appliedOffset: offset),
            replicationID: self.id(id), offset: offset)
    }

    /// What a process sees of one server.
    private typealias Look = (server: String, info: ReplicationInfo, endpoint: String, door: MasterObservations.Door)

    /// Two masters or more, one or none of them behind the name, and who may take writes.
    private static let table: [(name: String, looks: [Look], target: Character?)] = [
        (
            "a stray that replicas do not follow, beside the master behind the name",
            [
                ("m", master("a", 200, attached: 1), "name", .masterName),
                ("r", master("b", 130, from: "a"), "r", .serverList),
                ("s", replica("a", 200), "s", .serverList),
            ], "a"
        ),
        (
            "a promoted one that the replicas follow, outside the name",
            [
                ("m", master("a", 150), "name", .masterName),
                ("r", master("b", 140, from: "a", attached: 1), "r", .serverList),
                ("s", replica("b", 140), "s", .serverList),
            ], "b"
        ),
        (
            "the same, and the old master came back with another history",
            [
                ("m", master("d", 0), "name", .masterName),
                ("r", master("b", 140, from: "a", attached: 1), "r", .serverList),
                ("s", replica("b", 140), "s", .serverList),
            ], "b"
        ),
        (
            "an old master that wakes outside the name, beside the promoted one behind it",
            [
                ("r", master("b", 400, from: "a"), "name", .masterName),
                ("m", master("a", 100, attached: 1), "m", .serverList),
                ("s", replica("b", 400), "s", .serverList),
            ], "b"
        ),
        (
            "a server of another history that never was a replica, with followers, outside the name",
            [
                ("m", master("a"), "name", .masterName), ("r", master("e", attached: 1), "r", .serverList),
                ("s", replica("e"), "s", .serverList),
            ], nil
        ),
        (
            "the same, and it lists a replica that is not known",
            [("m", master("a"), "name", .masterName), ("r", master("e", attached: 1), "r", .serverList)], nil
        ),
        (
            "a server of another history that never was a replica, without followers, outside the name",
            [("m", master("a", 1), "name", .masterName), ("r", master("e", 900), "r", .serverList)], "a"
        ),
        (
            "the same, with followers, as many as follow the one behind the name",
            [
                ("m", master("a", attached: 1), "name", .masterName), ("r", master("e", attached: 1), "r", .serverList),
                ("s", replica("a"), "s", .serverList), ("t", replica("e"), "t", .serverList),
            ], "a"
        ),
        (
            "a stray without followers, and the master behind the name wrote since its promotion",
            [("m", master("a", 200), "name", .masterName), ("r", master("b", 100, from: "a"), "r", .serverList)], "a"
        ),
        (
            "two behind the name",
            [("m", master("a"), "name", .masterName), ("r", master("b", from: "a"), "name", .masterName)], nil
        ),
        (
            "two behind the name, by their own addresses",
            [("m", master("a"), "m", .masterNodes), ("r", master("b", from: "a"), "r", .masterNodes)], nil
        ),
        (
            "two promoted replicas, both written to, and no name",
            [
                ("r", master("b", 120, from: "a"), "r", .serverList),
                ("s", master("c", 130, from: "a"), "s", .serverList),
            ], nil
        ),
    ]

    /// All orders of so many things.
    static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { rest in
            (0...rest.count).map { place in
                var rest = rest
                rest.insert(count - 1, at: place)
                return rest
            }
        }
    }

    @Test(
        "every order of the first observations ends with the same master, or with none",
        arguments: table.indices)
    func orders(index: Int) {
        let row = Self.table[index]
        for order in Self.permutations(row.looks.count) {
            for again in Self.permutations(row.looks.count) {
                var process = Process()
                var now: Int64 = 1000
                for round in [order] + Array(repeating: again, count: 4) {
                    for place in round {
                        now += 30
                        let look = row.looks[place]
                        process.see(
                            look.server, look.info, at: look.endpoint, door: look.door, over: place, at: now)
                        _ = process.verdict(at: now)
                    }
                    now += 900
                }
                let target = process.target(at: now)
                #expect(target == row.target.map(Self.id), "\(row.name): \(order) \(again)")
            }
        }
    }

    @Test
    func `a process that followed the old master writes to the one that the name leads to now, as a new one does`() {
        // The old one is known by its own address, too.
        var old = Process()
        for second in 1...5 as ClosedRange<Int64> {
            old.see("m", Self.master("a"), at: "name", door: .masterName, over: 0, at: second * 1000)
            old.see("m", Self.master("a"), at: "m", over: 1, at: second * 1000 + 1)
        }
        #expect(old.target(at: 5002) == Self.id("a"))
        // The name's connection ends, the old master goes on, and the name leads to a copy of it.
        old.lose(0, at: 6000)
        old.see("m", Self.master("a"), at: "m", over: 1, at: 6001)
        var new = Process()
        for second in 7...12 as ClosedRange<Int64> {
            for process in 0...1 {
                var this = process == 0 ? old : new
                this.see("p", Self.master("f", 7), at: "name", door: .masterName, over: 2, at: second * 1000)
                this.see("m", Self.master("a", 120), at: "m", over: 1, at: second * 1000 + 1)
                _ = this.verdict(at: second * 1000 + 1)
                if process == 0 { old = this } else { new = this }
            }
        }
        #expect(old.target(at: 12_002) == Self.id("f"))
        #expect(new.target(at: 12_002) == Self.id("f"))
        #expect(old.servers.masters(at: 12_002_000_000).map(\.server) == ["m", "p"], "both are counted")
    }

    @Test func `a master that another took the name from, and that wakes outside it, stops no writes`() {
        var process = Process()
        for second in 1...5 as ClosedRange<Int64> {
            process.see(
                "r", Self.master("b", 150, from: "a"), at: "name", door: .masterName, over: 0, at: second * 1000)
            process.see("r", Self.master("b", 150, from: "a"), at: "r", over: 1, at: second * 1000 + 1)
        }
        process.lose(0, at: 6000)
        process.lose(1, at: 6000)
        for second in 7...9 as ClosedRange<Int64> {
            process.see("p", Self.master("f", 7), at: "name", door: .masterName, over: 2, at: second * 1000)
            // Its connections have ended, and it is not known to be gone: it is looked for first.
            #expect(process.target(at: second * 1000 + 1) == (second < 9 ? nil : Self.id("f")))
        }
        for second in 10...14 as ClosedRange<Int64> {
            process.see("p", Self.master("f", 7), at: "name", door: .masterName, over: 2, at: second * 1000)
            process.see("r", Self.master("b", 150, from: "a"), at: "r", over: 1, at: second * 1000 + 1)
            _ = process.verdict(at: second * 1000 + 1)
        }
        #expect(process.target(at: 14_002) == Self.id("f"))
    }

    @Test func `writes wait while another master is new, and go on once both were asked again`() {
        var process = Process()
        process.see("m", Self.master("a", 200, attached: 1), at: "name", door: .masterName, over: 0, at: 1000)
        process.see("s", Self.replica("a", 200), at: "s", over: 1, at: 1001)
        #expect(process.target(at: 1002) == Self.id("a"))
        process.see("r", Self.master("b", 130, from: "a"), at: "r", over: 2, at: 1100)
        #expect(process.verdict(at: 1101) == .unclear)
        process.see("m", Self.master("a", 200, attached: 1), at: "name", door: .masterName, over: 0, at: 1102)
        #expect(process.target(at: 1103) == Self.id("a"))
        // The master hangs: it is not waited for longer than it may take.
        var hung = Process()
        hung.see("m", Self.master("a", 100), at: "name", door: .masterName, over: 0, at: 1000)
        hung.see("r", Self.replica("a", 100), at: "r", over: 2, at: 1001)
        hung.see("r", Self.master("b", 100, from: "a"), at: "r", over: 2, at: 1100)
        #expect(hung.verdict(at: 2000) == .unclear)
        hung.lose(0, at: 3001)
        hung.see("r", Self.master("b", 100, from: "a"), at: "r", over: 2, at: 3002)
        #expect(hung.target(at: 3003) == Self.id("b"))
    }

    @Test func `a process that stood still asks before it writes again`() {
        var process = Process()
        process.see("m", Self.master("a", 100, attached: 1), at: "name", door: .masterName, over: 0, at: 1000)
        process.see("r", Self.replica("a"), at: "r", over: 1, at: 1001)
        #expect(process.target(at: 2000) == Self.id("a"))
        #expect(process.verdict(at: 60_000) == .unclear)
        // The old master answers first.
        process.see("m", Self.master("a", 100), at: "name", door: .masterName, over: 0, at: 60_001)
        #expect(process.verdict(at: 60_002) == .unclear)
        process.see("r", Self.replica("a"), at: "r", over: 1, at: 60_003)
        #expect(process.target(at: 60_004) == Self.id("a"))
        // One that is away is not waited for.
        #expect(process.verdict(at: 120_000) == .unclear)
        process.see("m", Self.master("a", 100), at: "name", door: .masterName, over: 0, at: 120_001)
        process.lose(1, at: 120_002)
        #expect(process.target(at: 120_003) == Self.id("a"))
    }

    /// What a process sees of two masters of which none is certain, and then of the one that is behind the name alone.
    ///
    /// - Parameter first: how the other one is, beside one replica of it where it is followed.
    private static func contested(other first: ReplicationInfo, isFollowed: Bool = false) -> Process {
        var process = Process()
        for second in 1...5 as ClosedRange<Int64> {
            process.see("a", Self.master("a", 10), at: "name", door: .masterName, over: 0, at: second * 1000)
            process.see("b", first, at: "b", over: 1, at: second * 1000 + 1)
            if isFollowed { process.see("c", Self.replica("b"), at: "c", over: 2, at: second * 1000 + 2) }
            _ = process.verdict(at: second * 1000 + 3)
        }
        process.lose(1, at: 6000)
        if isFollowed { process.see("c", Self.replica("b", isUp: false), at: "c", over: 2, at: 6001) }
        return process
    }

    private static let others: [(info: ReplicationInfo, isFollowed: Bool)] = [
        (master("b", 500, from: "f"), false), (master("b", 500), true), (master("b", 500, from: "z"), true),
        // Its replica is not known.
        (master("b", 500, attached: 1), false),
    ]

    /// Has the one behind the name be seen for seconds.
    private static func watch(_ process: inout Process, from second: Int64) -> Bool {
        var isRefused = true
        for second in second..<(second + 20) {
            process.see("a", Self.master("a", 10), at: "name", door: .masterName, over: 0, at: second * 1000)
            if process.target(at: second * 1000 + 1) != nil { isRefused = false }
        }
        return isRefused
    }

    @Test(arguments: others.indices)
    func `the end of one of two masters of which none is certain gives the other one no writes`(index: Int) {
        var process = Self.contested(other: Self.others[index].info, isFollowed: Self.others[index].isFollowed)
        #expect(process.target(at: 6002) == nil)
        #expect(Self.watch(&process, from: 7))
        guard case .none(.beside(let masters)) = process.verdict(at: 26_002) else {
            Issue.record("another verdict")
            return
        }
        #expect(masters.map(\.server) == ["a", "b"] && masters.map(\.isAway) == [false, true])
        // It comes back, restarted: as a master that no longer says it was a replica, and without replicas.
        process.see("b2", Self.master("d", 500), at: "b", over: 1, at: 28_000)
        #expect(Self.watch(&process, from: 29))
        // It is made a replica.
        process.see("b2", Self.replica("a", 10), at: "b", over: 1, at: 50_000)
        process.see("a", Self.master("a", 10, attached: 1), at: "name", door: .masterName, over: 0, at: 50_500)
        process.see("c", Self.replica("a", 10), at: "c", over: 2, at: 50_501)
        #expect(process.target(at: 50_502) == Self.id("a"))
    }

    @Test(arguments: others.indices)
    func `that ends where the one that is seen gets a replica, too`(index: Int) {
        var process = Self.contested(other: Self.others[index].info, isFollowed: Self.others[index].isFollowed)
        #expect(Self.watch(&process, from: 7))
        process.see("c", Self.replica("a", 10), at: "c", over: 2, at: 28_000)
        process.see("a", Self.master("a", 10, attached: 1), at: "name", door: .masterName, over: 0, at: 28_500)
        #expect(process.target(at: 28_501) == Self.id("a"))
    }

    @Test func `a stray that stops no writes stops none when it ends, either`() {
        var process = Self.contested(other: Self.master("b", 500))
        process.see("a", Self.master("a", 10), at: "name", door: .masterName, over: 0, at: 7000)
        #expect(process.target(at: 7001) == Self.id("a"))
    }

    @Test func `no server takes the place of a master whose connections were cut, before it was looked for`() {
        var process = Process()
        for second in 1...3 as ClosedRange<Int64> {
            process.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 0, at: second * 1000)
            let other = second == 1 ? Self.replica("a", 100) : Self.master("b", 100, from: "a")
            process.see("b", other, at: "b", over: 1, at: second * 1000 + 1)
        }
        process.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 0, at: 3500)
        #expect(process.target(at: 3501) == Self.id("a"))
        process.lose(0, at: 3600)
        process.see("b", Self.master("b", 100, from: "a"), at: "b", over: 1, at: 3601)
        #expect(process.verdict(at: 3602) == .unclear)
        // The name leads to either of them.
        var two = process
        two.see("b", Self.master("b", 100, from: "a"), at: "name", door: .masterName, over: 2, at: 3610)
        #expect(two.verdict(at: 3611) == .unclear)
        two.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 3, isKept: false, at: 4000)
        two.see("b", Self.master("b", 100, from: "a"), at: "name", door: .masterName, over: 2, at: 4010)
        two.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 4, isKept: false, at: 4100)
        guard case .none(.behindName(let masters)) = two.verdict(at: 4101) else {
            Issue.record("another verdict")
            return
        }
        #expect(masters.map(\.server) == ["a", "b"])
        // It is met again, alone: nothing has changed.
        var same = process
        same.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 3, at: 3700)
        same.see("b", Self.master("b", 100, from: "a"), at: "b", over: 1, at: 3701)
        same.see("a", Self.master("a", 200), at: "name", door: .masterName, over: 3, at: 3702)
        #expect(same.target(at: 3703) == Self.id("a"))
        // Nothing listens where it was: it is gone.
        var gone = process
        gone.servers.refuse("name", at: 3_610_000_000)
        #expect(gone.target(at: 3611) == Self.id("b"))
        // The name leads to the other one alone.
        var moved = process
        for time in [3700, 4200, 4700, 5100, 5202] as [Int64] {
            moved.see("b", Self.master("b", 100, from: "a"), at: "name", door: .masterName, over: 2, at: time)
            moved.see("b", Self.master("b", 100, from: "a"), at: "b", over: 1, at: time + 1)
            #expect(moved.target(at: time + 2) == (time < 5200 ? nil : Self.id("b")))
        }
    }

    @Test func `a name in front of any number of servers costs a bounded memory`() {
        var process = Process()
        for number in 0..<1000 as Range<Int64> {
            process.see("\(number)", Self.master("a"), at: "name", door: .masterName, over: 0, at: number * 10)
            process.see("\(number)x", Self.master("b"), at: "r", over: 1, at: number * 10 + 5)
        }
        #expect(process.servers.masters(at: 10_000_000_000).count <= 16)
    }

    /// A connection that ended took its server off the list, while what it had said still counted for the verdict.
    @Test("as many masters are counted as the verdict names")
    func counted() {
        var process = Process()
        process.see("b", Self.master("b"), at: "name", door: .masterName, over: 2, isKept: false, at: 10)
        process.see("a", Self.master("a"), at: "name", door: .masterName, over: 1, at: 12)
        process.lose(1, at: 13)
        process.see("b", Self.master("b"), at: "name", door: .masterName, over: 3, isKept: false, at: 14)
        guard case .none(let reason) = process.verdict(at: 15) else {
            Issue.record("two masters were seen: \(process.verdict(at: 15))")
            return
        }
        #expect(reason.masters.map(\.server) == ["a", "b"])
        #expect(process.servers.masters(at: 15_000_000).map(\.server).sorted() == ["a", "b"])
    }
}
