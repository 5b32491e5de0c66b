import RedisCore
import Testing

/// The server follows history B and has applied 100 bytes of it; before that it followed A, up to byte 80.
@Suite("What a server says of a token")
struct ReplicationVerdictTests {
    static let a = String(repeating: "a", count: 40)
    static let b = String(repeating: "b", count: 40)
    static let c = String(repeating: "c", count: 40)

    enum Server: String, CaseIterable {
        case master, replicaLinkUp, replicaLinkDown, replicaSynchronising, replicaSynchronisingYetUp, replicaWithoutLink
    }

    private func info(_ server: Server, second: String? = a, secondOffset: Int64 = 81) -> ReplicationInfo {
        func replica(isUp: Bool, isSynchronising: Bool = false) -> ReplicationInfo {
            // Neither offset beside the applied one may count.
            ReplicationInfo(
                role: .replica,
                masterLink: .init(
                    host: "m", port: 1, isUp: isUp, isSynchronising: isSynchronising, appliedOffset: 100,
                    receivedOffset: 500),
                replicationID: Self.b, secondReplicationID: second, offset: 500, secondOffset: secondOffset)
        }
        switch server {
        case .master:
            return ReplicationInfo(
                role: .master, replicationID: Self.b, secondReplicationID: second, offset: 100,
                secondOffset: secondOffset)
        case .replicaLinkUp: return replica(isUp: true)
        case .replicaLinkDown: return replica(isUp: false)
        case .replicaSynchronising: return replica(isUp: false, isSynchronising: true)
        case .replicaSynchronisingYetUp: return replica(isUp: true, isSynchronising: true)
        case .replicaWithoutLink:
            var info = replica(isUp: true)
            info.masterLink = nil
            return info
        }
    }

    @Test(
        "every id and offset, on a master and on a replica whose link is up",
        arguments: [
            (b, 0, .satisfied, .satisfied), (b, 99, .satisfied, .satisfied), (b, 100, .satisfied, .satisfied),
            (b, 101, .unknown, .wait), (b, 400, .unknown, .wait), (b, .max, .unknown, .wait),
            (a, 0, .satisfied, .satisfied), (a, 79, .satisfied, .satisfied), (a, 80, .satisfied, .satisfied),
            (a, 81, .lost, .unknown), (a, 100, .lost, .unknown), (a, .max, .lost, .unknown),
            (c, 0, .unknown, .unknown), (c, 80, .unknown, .unknown), (c, .max, .unknown, .unknown),
        ] as [(String, Int64, ReplicationVerdict, ReplicationVerdict)])
    func verdicts(id: String, offset: Int64, onMaster: ReplicationVerdict, onReplica: ReplicationVerdict) {
        let token = ReplicationToken.of(id, offset)
        #expect(info(.master).verdict(on: token) == onMaster)
        #expect(info(.replicaLinkUp).verdict(on: token) == onReplica)
    }

    @Test(
        "a replica without its master knows nothing, regardless of its data",
        arguments: [
            Server.replicaLinkDown, .replicaSynchronising, .replicaSynchronisingYetUp, .replicaWithoutLink,
        ])
    func cutOff(server: Server) {
        for id in [Self.a, Self.b, Self.c] {
            for offset in [0, 79, 80, 81, 99, 100, 101, .max] as [Int64] {
                #expect(info(server).verdict(on: .of(id, offset)) == .unknown, "\(id.prefix(1)):\(offset)")
            }
        }
    }

    @Test("without a second history, an id of the past is any other id", arguments: Server.allCases)
    func withoutSecond(server: Server) {
        for offset in [0, 80, 81, .max] as [Int64] {
            let token = ReplicationToken.of(Self.a, offset)
            #expect(info(server, second: nil, secondOffset: -1).verdict(on: token) == .unknown)
            #expect(info(server, second: nil).verdict(on: token) == .unknown)
            #expect(info(server, secondOffset: -1).verdict(on: token) == .unknown, "no offset, no loss")
        }
    }

    @Test("a server that sends no ids knows nothing", arguments: Server.allCases)
    func withoutIDs(server: Server) {
        var info = info(server, second: "")
        info.replicationID = ""
        for id in [Self.a, Self.b, String(repeating: "0", count: 40)] {
            #expect(info.verdict(on: .of(id, 0)) == .unknown)
        }
    }

    @Test("the forty zeros of a server without a past are no history")
    func zeros() throws {
        let zeros = String(repeating: "0", count: 40)
        let text = "role:master\r\nmaster_replid:\(Self.b)\r\nmaster_replid2:\(zeros)\r\nsecond_repl_offset:-1\r\n"
        let info = try #require(ReplicationInfo(text: text))
        #expect(info.verdict(on: .of(zeros, 0)) == .unknown)
    }

    /// Offsets as real servers gave them: `x` was written before the fail-over and reached the promoted replica alone,
    /// `y` reached the demoted master alone; `z` is the first write after it.
    @Test(
        "in a fail-over, each server says of each write what is true",
        arguments: [
            (promoted, .satisfied, .satisfied, .lost, .satisfied),
            // It has x by way of its new master, and cannot know.
            (sibling, .satisfied, .unknown, .unknown, .satisfied),
            (demoted, .unknown, .unknown, .unknown, .unknown),
            (demotedInStep, .unknown, .unknown, .unknown, .satisfied),
        ] as [(String, ReplicationVerdict, ReplicationVerdict, ReplicationVerdict, ReplicationVerdict)])
    func failOver(
        server: String, early: ReplicationVerdict, x: ReplicationVerdict, y: ReplicationVerdict, z: ReplicationVerdict
    ) throws {
        let info = try #require(ReplicationInfo(text: server))
        #expect(info.verdict(on: .of(Self.a, 50)) == early)
        #expect(info.verdict(on: .of(Self.a, 82)) == x)
        #expect(info.verdict(on: .of(Self.a, 112)) == y)
        #expect(info.verdict(on: .of(Self.b, 134)) == z)
    }

    static let promoted =
        "role:master\nmaster_replid:\(b)\nmaster_replid2:\(a)\nmaster_repl_offset:134\nsecond_repl_offset:83\n"
    static let sibling = """
        role:slave\nmaster_link_status:up\nslave_repl_offset:134\nmaster_replid:\(b)\nmaster_replid2:\(a)
        master_repl_offset:134\nsecond_repl_offset:51\n
        """
    static let demoted = """
        role:slave\nmaster_link_status:down\nslave_repl_offset:112\nmaster_replid:\(a)
        master_repl_offset:112\nsecond_repl_offset:-1\n
        """
    static let demotedInStep = """
        role:slave\nmaster_link_status:up\nslave_repl_offset:134\nmaster_replid:\(b)
        master_repl_offset:134\nsecond_repl_offset:-1\n
        """
}
