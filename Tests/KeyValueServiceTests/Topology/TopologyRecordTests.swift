import NIOCore
import RedisClient
import RedisCore
import Telemetry
import Testing

@testable import KeyValueService

@Suite("What the process remembers of its servers")
struct TopologyRecordTests {
    private static let app = Topology.App(podIP: "10.0.0.1", hostName: "app", version: "1", streams: 0)

    /// - Parameter information: `nil` where the server is away.
    private static func server(
        _ host: String, _ information: ReplicationInfo?, state: String = "up",
        standing: ObservedServer.Standing = .replica
    ) -> ObservedServer {
        var server = ObservedServer(
            endpoint: RedisEndpoint(host: host, port: 1), state: state, isServing: information != nil,
            information: information, seenAt: .now(), inFlight: 0, reads: 0)
        server.standing = information == nil ? .unknown : standing
        server.servesReads = information != nil
        return server
    }

    private static let history = String(repeating: "a", count: 40)

    private static func master(_ offset: Int64 = 100) -> ObservedServer {
        server("m", ReplicationInfo(role: .master, replicationID: history, offset: offset), standing: .master)
    }

    private static func replica(_ host: String, _ applied: Int64) -> ObservedServer {
        server(
            host,
            ReplicationInfo(
                role: .replica, masterLink: .init(host: "m", port: 1, isUp: true, appliedOffset: applied),
                replicationID: history, offset: applied))
    }

    private static func away(_ host: String) -> ObservedServer { server(host, nil, state: "lost the connection") }

    private static func time(_ seconds: Int64) -> WallTime { WallTime(milliseconds: 1_000_000 + seconds * 1000) }

    private static func topology(_ servers: ObservedServer...) -> Topology { Topology(of: app, seenBy: [servers]) }

    @Test func `a server that is away keeps its last values, with their time`() throws {
        var record = TopologyRecord()
        _ = record.observe(Self.topology(Self.master(), Self.replica("r", 90)), at: Self.time(0))
        let seen = record.observe(Self.topology(Self.away("m"), Self.away("r")), at: Self.time(5))
        #expect(seen.master.information?.offset == 100)
        #expect(seen.master.lastKnownAt == Self.time(0))
        #expect(seen.master.since == Self.time(5))
        #expect(seen.lagBytes(of: seen.replicas[0]) == 10)
        #expect(seen.farthest?.behindBytes == 10)
        let back = record.observe(Self.topology(Self.master(200), Self.replica("r", 200)), at: Self.time(9))
        #expect(back.master.lastKnownAt == nil)
        #expect(back.master.since == Self.time(9))
    }

    @Test func `the time line says when no node led, for how long, and how many writes waited`() throws {
        var record = TopologyRecord()
        var report = LeaderReport()
        var words = SelectionWords()
        func see(_ absence: LeaderReport.Absence?, number: Int, waited: Int, at seconds: Int64) -> Topology {
            report.endpoint = absence == nil ? RedisEndpoint(host: "m", port: 1) : nil
            report.absence = absence
            report.number = number
            report.gapNanoseconds = number > 1 ? 123_000_000 : nil
            words.leader = report
            words.waitedWrites = waited
            return record.observe(
                Topology(of: Self.app, seenBy: [[Self.master()]], words: words), at: Self.time(seconds))
        }
        _ = see(.unknownYet, number: 0, waited: 0, at: 0)
        #expect(!record.timeline.entries.contains { $0.kind == .leaderLost }, "the app has just begun")
        let first = see(nil, number: 1, waited: 0, at: 1)
        #expect(see(nil, number: 1, waited: 0, at: 9).leader?.since == first.leader?.since)
        _ = see(.noLeader, number: 1, waited: 3, at: 10)
        _ = see(nil, number: 2, waited: 5, at: 11)
        let entries = record.timeline.entries.filter { [.leader, .leaderLost].contains($0.kind) }
        #expect(entries.map(\.kind) == [.leader, .leaderLost, .leader])
        #expect(entries[1].endedAt == Self.time(11))
        #expect(
            entries[2].text
                == "leads and takes writes, after 123 ms without a leader that does; 5 write(s) waited for it")
    }

    @Test func `the verdict says since when writes and reads are refused, and why`() throws {
        var record = TopologyRecord()
        let well = record.observe(Self.topology(Self.master(), Self.replica("r", 100)), at: Self.time(0))
        let verdict = try #require(well.verdict)
        #expect(!verdict.isFailing)
        #expect(!verdict.isDegraded)
        #expect([verdict.readServers, verdict.servers] == [2, 2])
        for second in [5, 6, 7] {
            let seen = record.observe(
                Self.topology(Self.away("m"), Self.replica("r", 100)), at: Self.time(Int64(second)))
            #expect(
                seen.verdict?.writes
                    == .init(isAccepted: false, since: Self.time(5), reason: "lost the connection"))
            #expect(seen.verdict?.reads == .init(isAccepted: true, since: Self.time(0), reason: nil))
            #expect(seen.verdict?.isFailing == true)
        }
        let degraded = record.observe(Self.topology(Self.master(), Self.away("r")), at: Self.time(9)).verdict
        #expect(degraded?.isFailing == false)
        #expect(degraded?.isDegraded == true)
    }

    @Test func `the time line has losses with their durations, strays, and promotions`() throws {
        var record = TopologyRecord()
        _ = record.observe(Self.topology(Self.master(), Self.replica("r", 100)), at: Self.time(0))
        for second in 5...7 {
            _ = record.observe(Self.topology(Self.away("m"), Self.replica("r", 100)), at: Self.time(Int64(second)))
        }
        var promoted = Topology(
            of: Self.app,
            seenBy: [
                [
                    Self.server(
                        "r", ReplicationInfo(role: .master, replicationID: String(repeating: "b", count: 40)),
                        standing: .master),
                    Self.server(
                        "m", ReplicationInfo(role: .master, replicationID: Self.history), standing: .strayMaster),
                ]
            ])
        promoted.lastChange = "r is the master now"
        _ = record.observe(promoted, at: Self.time(8))
        let kinds = record.timeline.entries.map(\.kind)
        #expect(kinds == [.started, .lost, .writesRefused, .promotion, .role, .strayMaster])
        let lost = record.timeline.entries[1]
        #expect(lost.endpoint == "m:1")
        #expect(lost.at == Self.time(5))
        #expect(lost.endedAt == Self.time(8))
        #expect(record.timeline.entries[3].text == "r is the master now")
        #expect(record.takeTimelineChanges().count == 6)
        #expect(record.takeTimelineChanges() == [])
    }

    @Test func `a server that was dead when the app began is a loss, not something new`() {
        var record = TopologyRecord()
        for second in 0...3 {
            _ = record.observe(Self.topology(Self.master(), Self.away("r")), at: Self.time(Int64(second)))
        }
        #expect(record.timeline.entries.map(\.kind) == [.started, .lost])
    }

    @Test func `a hundred entries and five minutes are kept`() {
        var record = TopologyRecord()
        let well = Self.topology(Self.master(), Self.replica("r", 100))
        let away = Self.topology(Self.away("m"), Self.away("r"))
        for second in 0..<1000 {
            let seen = record.observe(second % 2 == 0 ? well : away, at: Self.time(Int64(second)))
            var load = RequestLoad()
            load.reads = second * 3
            record.sample(load, seen, after: 1, at: Self.time(Int64(second)))
        }
        #expect(record.timeline.entries.count == Timeline.capacity)
        #expect(record.samples.samples.count == LoadSamples.capacity)
        #expect(record.samples.samples.allSatisfy { $0.reads == 3 })
        let app = Topology.App(podIP: "10.0.0.1", hostName: "app", version: "0", streams: 0)
        #expect(
            String(buffer: record.historyJSON(of: app)).hasPrefix(
                #"{"app":{"pod_ip":"10.0.0.1","host_name":"app"},"interval_seconds":1,"samples":{"at":["#))
    }

    @Test func `the 99th of 100 durations of a second counts, not those before`() {
        var before = [Int](repeating: 0, count: DurationHistogram.bounds.count + 1)
        before[10] = 5000
        var after = before
        after[0] += 99
        after[5] += 1
        let old = DurationHistogram(counts: before, sumNanoseconds: 0)
        #expect(LoadSamples.p99(.init(counts: after, sumNanoseconds: 0), since: old) == 0.0001)
        after[5] += 1
        #expect(LoadSamples.p99(.init(counts: after, sumNanoseconds: 0), since: old) == 0.005)
        #expect(LoadSamples.p99(old, since: old) == nil)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z"), (951_782_400_123, "2000-02-29T00:00:00.123Z"),
        (1_796_083_199_999, "2026-11-30T23:59:59.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ])
    func `a time is written as ISO 8601 has it`(milliseconds: Int64, text: String) {
        #expect(WallTime(milliseconds: milliseconds).text == text)
    }
}
