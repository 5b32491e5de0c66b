import NIOCore
import RedisCore
import Testing

@testable import RedisClient

@Suite("How far a replica is behind")
struct ReplicationLagTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func info(_ applied: Int64, of history: String = "a") -> ReplicationInfo {
        ReplicationInfo(
            role: .replica,
            masterLink: .init(host: "m", port: 1, isUp: true, appliedOffset: applied), replicationID: history)
    }

    private func master(_ offset: Int64, at moment: NIODeadline) -> ReplicationLag.MasterSample {
        .init(replicationID: "a", offset: offset, takenAt: moment)
    }

    @Test func `is nothing where the replica has all that the master had written before`() {
        for applied in [100, 101] as [Int64] {
            var lag = ReplicationLag(watchedSince: start)
            lag.check(info(applied), by: master(100, at: start + .seconds(4)), at: start + .seconds(5))
            #expect(lag.bytes == 0)
            #expect(lag.nanoseconds(at: start + .seconds(6)) == 0)
        }
    }

    @Test func `counts from the last check that found it in step`() {
        var lag = ReplicationLag(watchedSince: start)
        lag.check(info(100), by: master(100, at: start), at: start + .seconds(1))
        lag.check(info(100), by: master(130, at: start + .seconds(1)), at: start + .seconds(2))
        #expect(lag.bytes == 30)
        #expect(lag.nanoseconds(at: start + .seconds(4)) == 3_000_000_000)
        lag.check(info(130), by: master(130, at: start + .seconds(4)), at: start + .seconds(5))
        #expect(lag.nanoseconds(at: start + .seconds(5)) == 0)
    }

    @Test func `is not known without a young word of the master, or of the replica, or of the same history`() {
        let now = start + .seconds(10)
        let cases: [(ReplicationInfo?, ReplicationLag.MasterSample?)] = [
            (nil, master(1, at: now)), (info(1), nil), (info(1, of: "b"), master(1, at: now)),
            (info(1), master(1, at: now - .milliseconds(3001))),
            (ReplicationInfo(role: .master, replicationID: "a"), master(1, at: now)),
        ]
        for (info, sample) in cases {
            var lag = ReplicationLag(watchedSince: start)
            lag.check(info, by: sample, at: now)
            #expect(lag.bytes == nil)
            #expect(lag.nanoseconds(at: now) == 10_000_000_000, "since it is known at all")
        }
    }

    @Test func `is, for two event loops, what the younger check found`() {
        var early = ReplicationLag(watchedSince: start)
        early.check(info(100), by: master(100, at: start), at: start + .seconds(1))
        var late = ReplicationLag(watchedSince: start)
        late.check(info(100), by: master(130, at: start + .seconds(1)), at: start + .seconds(2))
        for merged in [early.merged(with: late), late.merged(with: early)] {
            #expect(merged.bytes == 30)
            #expect(merged.nanoseconds(at: start + .seconds(2)) == 1_000_000_000)
        }
    }
}
