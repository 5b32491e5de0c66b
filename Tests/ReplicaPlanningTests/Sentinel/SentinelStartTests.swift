import RedisCore
import ReplicaPlanning
import Testing

@Suite("A start goes on by what the Sentinels say")
struct SentinelStartTests {
    private static let own = MasterAddress(host: "10.0.0.1", port: 6379)
    private static let other = MasterAddress(host: "10.0.0.2", port: 6379)

    /// A step's kind, for tables.
    private enum Kind: Equatable { case again, follow, followDoubted, lead, leadDoubted, asConfigured, block }

    private func kind(
        _ verdict: SentinelVerdict, mode: String = "master", configured: Bool = true, hasData: Bool = true,
        majority: Bool = true, due: Bool = false, timeout: Int? = nil, at second: Int
    ) throws -> Kind {
        var start = Start(environment: [
            "REDIS_SENTINEL_HOST": "s", "REDIS_REPLICATION_MODE": mode, "POD_IP": "10.0.0.1",
        ])
        start.environment["REDIS_GUARD_TIMEOUT"] = timeout.map { "\($0)" }
        if configured { start.environment["REDIS_MASTER_HOST"] = "10.0.0.9" }
        let question = try #require(try start.plan().sentinel)
        let step = SentinelStart(question, hasData: hasData).step(
            verdict, isMajorityAnswering: majority, isReplacementDue: due,
            isThisServer: { question.own.contains(bytes($0.host), $0.port) }, elapsedSeconds: second)
        switch step {
        case .askAgain: return .again
        case .follow(let master, _, let warning):
            #expect(master == Self.other)
            return warning == nil ? .follow : .followDoubted
        case .lead(_, let warning): return warning == nil ? .lead : .leadDoubted
        case .asConfigured: return .asConfigured
        case .block(let reason):
            #expect(reason.contains("REDIS_SENTINEL_HOST"))
            return .block
        }
    }

    private func master(
        _ address: MasterAddress, isMajority: Bool = true, replicas: Int = 2
    ) -> SentinelVerdict {
        .master(SentinelMaster(address, epoch: 1, replicas: replicas), isMajority: isMajority)
    }

    private func down(_ address: MasterAddress, _ flags: String..., replicas: Int = 2) -> SentinelVerdict {
        .unknown(.masterDown(SentinelMaster(address, epoch: 1, replicas: replicas), flags: flags))
    }

    @Test("another master is followed and this server leads at once, in any mode")
    func known() throws {
        for mode in ["master", "slave"] {
            #expect(try kind(master(Self.other), mode: mode, at: 0) == .follow)
            #expect(try kind(master(Self.own), mode: mode, at: 0) == .lead)
        }
    }

    @Test("a minority's word makes a replica after a while, and no master of a server with data")
    func minority() throws {
        #expect(try kind(master(Self.other, isMajority: false), at: 4) == .again)
        #expect(try kind(master(Self.other, isMajority: false), at: 5) == .followDoubted)
        #expect(try kind(master(Self.own, isMajority: false), at: 59) == .again)
        #expect(try kind(master(Self.own, isMajority: false), at: 60) == .block)
        #expect(try kind(master(Self.own, isMajority: false), hasData: false, at: 0) == .leadDoubted)
    }

    @Test("a fail-over that has begun is waited for, in the words of any Sentinel; one that may begin is, for a while")
    func failover() throws {
        #expect(try kind(down(Self.own, "s_down", "master"), at: 4) == .again)
        #expect(try kind(down(Self.own, "s_down", "master"), at: 5) == .lead)
        #expect(try kind(down(Self.own, "s_down", "master", replicas: 0), at: 0) == .lead)
        #expect(try kind(down(Self.own, "s_down", "master"), due: true, at: 14) == .again)
        #expect(try kind(master(Self.own), due: true, at: 14) == .again)
        #expect(try kind(master(Self.own), due: true, at: 15) == .lead)
        #expect(try kind(master(Self.own, replicas: 0), due: true, at: 0) == .lead)
        #expect(try kind(master(Self.other), due: true, at: 0) == .follow)
        #expect(try kind(down(Self.own, "o_down", "master", replicas: 0), at: 0) == .lead)
        #expect(try kind(down(Self.own, "s_down", "o_down", "master"), at: 14) == .again)
        #expect(try kind(down(Self.own, "s_down", "o_down", "master"), at: 15) == .leadDoubted)
        #expect(try kind(down(Self.other, "s_down", "master"), at: 14) == .again)
        #expect(try kind(down(Self.other, "s_down", "master"), at: 15) == .followDoubted)
    }

    @Test("a minority that takes this server for down makes no master of it while it has data")
    func downByMinority() throws {
        for flags in [["s_down"], ["s_down", "o_down"]] {
            let verdict = SentinelVerdict.unknown(
                .masterDown(SentinelMaster(Self.own, epoch: 1, replicas: 2), flags: flags))
            #expect(try kind(verdict, majority: false, at: 59) == .again)
            #expect(try kind(verdict, majority: false, at: 60) == .block)
        }
    }

    @Test("without patience one round of answers is waited for")
    func noPatience() throws {
        #expect(try kind(.unknown(.asking), mode: "slave", timeout: 0, at: 0) == .again)
        #expect(try kind(.unknown(.asking), mode: "slave", timeout: 0, at: 1) == .asConfigured)
        #expect(try kind(.unknown(.asking), timeout: 0, at: 0) == .again)
        #expect(try kind(.unknown(.asking), timeout: 0, at: 1) == .block)
    }

    private static let doubts: [SentinelVerdict.Doubt] = [
        .asking, .noneReached(["s:26379 cannot be reached"]), .noneNamed(["s:26379 is no Sentinel"]),
        .contradiction([own, other], epoch: 1), .olderEpoch(1, seen: 2),
    ]

    @Test("while it is unknown who the master is, no server with data starts as one", arguments: doubts)
    func unknown(doubt: SentinelVerdict.Doubt) throws {
        #expect(try kind(.unknown(doubt), at: 59) == .again)
        #expect(try kind(.unknown(doubt), at: 60) == .block)
    }

    @Test("a first start, where no Sentinel is reached, is as the variables say")
    func first() throws {
        #expect(try kind(.unknown(.noneReached([])), hasData: false, at: 4) == .again)
        #expect(try kind(.unknown(.noneReached([])), hasData: false, at: 5) == .asConfigured)
        #expect(try kind(.unknown(.contradiction([Self.own, Self.other], epoch: 1)), hasData: false, at: 60) == .block)
    }

    @Test("Sentinels that do not know the name yet leave a first start to the variables, and block a master with data")
    func unknownName() throws {
        #expect(try kind(.unknown(.unknownName([])), hasData: false, at: 0) == .asConfigured)
        #expect(try kind(.unknown(.unknownName([])), hasData: false, majority: false, at: 4) == .again)
        #expect(try kind(.unknown(.unknownName([])), hasData: false, majority: false, at: 5) == .asConfigured)
        #expect(try kind(.unknown(.unknownName([])), at: 59) == .again)
        #expect(try kind(.unknown(.unknownName([])), at: 60) == .block)
        #expect(try kind(.unknown(.unknownName([])), mode: "slave", at: 0) == .asConfigured)
    }

    @Test(
        "a replica starts with the variables' master after a while, and blocks where they name none", arguments: doubts)
    func replica(doubt: SentinelVerdict.Doubt) throws {
        #expect(try kind(.unknown(doubt), mode: "slave", at: 4) == .again)
        #expect(try kind(.unknown(doubt), mode: "slave", at: 5) == .asConfigured)
        #expect(try kind(.unknown(doubt), mode: "slave", configured: false, at: 59) == .again)
        #expect(try kind(.unknown(doubt), mode: "slave", configured: false, at: 60) == .block)
    }
}
