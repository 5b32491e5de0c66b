import Synchronization
import Testing

@testable import KeyValueService
@testable import Listening

@Suite("How many connections there are places for")
struct ConnectionLimitTests {
    @Test func `leave files for Redis, for probes and for what is accepted in one go`() {
        for loops in [1, 2, 8, 64] {
            for files in [0, 64, 100, 256, 1024, 4096, 65_536, 1_048_576, .max] {
                for wanted in [nil, 8, 100, 1_000_000] {
                    let limit = ConnectionLimit(wanted: wanted, openFiles: files, eventLoops: loops)
                    #expect(limit.clients >= 8 && limit.clients <= max(8, wanted ?? ConnectionLimit.usual))
                    #expect(limit.probes >= 2 && limit.burst >= 4 && limit.burst <= 256)
                    let most = limit.clients + limit.probes * loops + limit.burst
                    #expect(limit.clients == 8 || files - most >= 32 + 16 * loops, "\(files) \(loops)")
                }
            }
        }
        #expect(ConnectionLimit(wanted: nil, openFiles: 1_048_576, eventLoops: 2).clients == 16_384)
        #expect(ConnectionLimit.usual(memoryBudgetBytes: 42 << 20) == 6032)
        #expect(ConnectionLimit.usual(memoryBudgetBytes: 4096 << 20) == 16_384)
        #expect(ConnectionLimit(wanted: nil, openFiles: 1024, eventLoops: 2).clients > 700)
    }

    @Test func `are taken and given back, and one without a place is for a probe`() {
        let places = ConnectionPlaces(wanted: 16, eventLoops: 1, openFiles: { 4096 })
        let taken = (0..<20).map { _ in places.take() }
        #expect(taken.count { $0 == .client } == 16 && places.refusals == 4)
        #expect(places.look().surplus == 0 && places.look().wanted == 2, "some of the idle ones give way")
        for _ in 0..<4 { places.giveBack(.probe) }
        #expect(places.take() == .probe, "a probe takes no place")
        for _ in 0..<8 { places.giveBack(.client) }
        #expect(places.look().wanted == 0)
        #expect((0..<9).map { _ in places.take() } == Array(repeating: .client, count: 8) + [.probe])
    }

    @Test func `become fewer where the process may open fewer files, and those above are to be closed`() {
        final class Files: Sendable { let count = Atomic(4096) }
        let files = Files()
        let places = ConnectionPlaces(wanted: 100, eventLoops: 2, openFiles: { files.count.load(ordering: .relaxed) })
        for _ in 0..<100 { #expect(places.take() == .client) }
        #expect(places.look().surplus == 0)
        files.count.store(120, ordering: .relaxed)
        #expect(places.look().surplus == (100 - places.clientLimit + 1) / 2 && places.clientLimit < 60)
        #expect(places.take() == .probe)
    }

    @Test func `a shortage of files is logged once, until nothing was refused for a while`() {
        var shortage = FileShortage()
        let second: Int64 = 1_000_000_000
        // Whether it was refused then, when, and whether that is logged.
        var events: [(isRefused: Bool, second: Int64, isTold: Bool)] = [(false, 0, false), (true, 1, true)]
        events += (2..<50).map { (true, $0, false) }
        // Room for one is no end of it.
        events += [(false, 50, false), (true, 51, false), (false, 56, true), (false, 57, false), (true, 58, true)]
        for event in events {
            let time = event.second * second
            let isTold = event.isRefused ? shortage.refused(at: time) : shortage.accepted(at: time)
            #expect(isTold == event.isTold, "\(event)")
        }
    }
}
