import RedisCore
import Testing

@Suite("Readiness is judged by what a server says of itself")
struct ReadinessTests {
    typealias Link = ReplicationInfo.MasterLink

    private func replica(_ link: Link) -> ReplicationInfo { ReplicationInfo(role: .replica, masterLink: link) }

    private static func link(
        up: Bool, synchronising: Bool = false, down: Int64? = nil, applied: Int64 = 100, received: Int64? = 100,
        silent: Int64? = 3
    ) -> Link {
        Link(
            host: "m", port: 1, isUp: up, isSynchronising: synchronising, downSeconds: down, appliedOffset: applied,
            receivedOffset: received, silentSeconds: up ? silent : nil)
    }

    static let up = link(up: true)
    static let lost = link(up: false, down: 7)
    static let never = link(up: false, down: -1)
    static let neverBefore62 = link(up: false, down: 1_763_700_000)
    static let first = link(up: false, synchronising: true, down: -1)
    static let again = link(up: false, synchronising: true, down: 7)

    static let emptied: Link = {
        var link = Self.link(up: false, down: 7, applied: 1)
        link.lostItsData = true
        return link
    }()
    static let emptiedFirst: Link = {
        var link = Self.link(up: false, down: -1, applied: 1)
        link.lostItsData = true
        return link
    }()
    static let refusing: Link = {
        var link = Self.link(up: false, down: 7)
        link.refusesStaleReads = true
        return link
    }()

    static let plain = ReadinessRule()
    static let linked = ReadinessRule(requiresLink: true)
    static let heard = ReadinessRule(maximumSilenceSeconds: 5)
    static let applied = ReadinessRule(maximumUnappliedBytes: 50)

    @Test(
        "every state of a replica, loading or not, under every rule",
        arguments: [
            (up, false, plain, .ready(.inStep)), (up, true, plain, .notReady(.loading)),
            (lost, false, plain, .ready(.linkLost(seconds: 7))), (lost, true, plain, .notReady(.loading)),
            (never, false, plain, .notReady(.neverSynchronised)), (never, true, plain, .notReady(.loading)),
            (neverBefore62, false, plain, .notReady(.neverSynchronised)),
            (first, false, plain, .notReady(.synchronising)), (first, true, plain, .notReady(.synchronising)),
            (again, false, plain, .notReady(.synchronising)), (again, true, plain, .notReady(.synchronising)),

            (emptied, false, plain, .notReady(.emptied(version: ""))),
            (emptiedFirst, false, plain, .notReady(.neverSynchronised)), (emptied, true, plain, .notReady(.loading)),
            (refusing, false, plain, .notReady(.refusesStaleReads)), (refusing, true, plain, .notReady(.loading)),
            (refusing, false, linked, .notReady(.refusesStaleReads)),

            (up, false, linked, .ready(.inStep)), (lost, false, linked, .notReady(.linkDown(seconds: 7))),
            (never, false, linked, .notReady(.neverSynchronised)), (again, false, linked, .notReady(.synchronising)),

            (up, false, heard, .ready(.inStep)),
            (link(up: true, silent: 5), false, heard, .ready(.inStep)),
            (link(up: true, silent: 6), false, heard, .notReady(.silentMaster(seconds: 6, limit: 5))),
            (link(up: false, down: 5), false, heard, .ready(.linkLost(seconds: 5))),
            (lost, false, heard, .notReady(.silentMaster(seconds: 7, limit: 5))),
            (never, false, heard, .notReady(.neverSynchronised)),

            (up, false, applied, .ready(.inStep)),
            (link(up: true, received: 150), false, applied, .ready(.inStep)),
            (link(up: true, received: 151), false, applied, .notReady(.behind(bytes: 51, limit: 50))),
            (link(up: true, received: nil), false, applied, .notReady(.lagUnknown)),
            (lost, false, applied, .ready(.linkLost(seconds: 7))),
        ] as [(Link, Bool, ReadinessRule, Readiness)])
    func replicas(link: Link, isLoading: Bool, rule: ReadinessRule, verdict: Readiness) {
        #expect(rule.verdict(on: replica(link), isLoading: isLoading) == verdict)
    }

    @Test(
        "a master is ready unless it loads, under any rule for replicas", arguments: [plain, linked, heard, applied])
    func masters(rule: ReadinessRule) {
        let master = ReplicationInfo(role: .master)
        #expect(rule.verdict(on: master, isLoading: false) == .ready(.master))
        #expect(rule.verdict(on: master, isLoading: true) == .notReady(.loading))
    }

    @Test("every verdict is one line that begins with itself")
    func lines() {
        let ready: [Readiness.Standing] = [.master, .inStep, .linkLost(seconds: 1)]
        let notReady: [Readiness.Obstacle] = [
            .loading, .synchronising, .neverSynchronised, .linkDown(seconds: 1), .silentMaster(seconds: 2, limit: 1),
            .behind(bytes: 2, limit: 1), .lagUnknown,
        ]
        for line in ready.map({ "\(Readiness.ready($0))" }) {
            #expect(line.hasPrefix("ready: ") && !line.contains("\n"))
        }
        for line in notReady.map({ "\(Readiness.notReady($0))" }) {
            #expect(line.hasPrefix("not ready: ") && !line.contains("\n"))
        }
    }

    @Test("what a replica hears and receives is read")
    func parsing() throws {
        let text =
            "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:4\r\nslave_read_repl_offset:12\r\n"
        let up = try #require(ReplicationInfo(parsing: Array(text.utf8).span)?.masterLink)
        #expect(up.silentSeconds == 4 && up.receivedOffset == 12)
        let down = "role:slave\nmaster_link_status:down\nmaster_last_io_seconds_ago:-1\n"
        let link = try #require(ReplicationInfo(parsing: Array(down.utf8).span)?.masterLink)
        #expect(link.silentSeconds == nil && link.receivedOffset == nil)
    }

    @Test(
        "loading is the field of that name alone",
        arguments: [
            ("# Persistence\r\nloading:1\r\nasync_loading:0\r\n", true), ("loading:0\r\nasync_loading:1\r\n", false),
            ("async_loading:1\r\n", false), ("", false), ("loading:1", true),
        ])
    func loading(text: String, isLoading: Bool) { #expect(ReplicationInfo.isLoading(Array(text.utf8)) == isLoading) }
}

@Suite("Liveness is judged by the reply to PING")
struct LivenessTests {
    @Test(
        "a server that refuses is alive, with any error",
        arguments: [
            ("LOADING Redis is loading the dataset in memory", Liveness.Refusal.loading),
            ("MASTERDOWN Link with MASTER is down", .masterDown), ("BUSY Redis is busy running a script.", .busy),
            ("NOAUTH Authentication required.", .needsPassword), ("NOPERM this user has no permissions", .mayNotPing),
            ("MISCONF Redis is configured to save", .other("MISCONF")), ("ERR", .other("ERR")),
            ("DENIED Redis is running in protected mode", .other("DENIED")), ("", .other("")),
        ])
    func refusals(error: String, refusal: Liveness.Refusal) {
        let liveness = Liveness(error: error)
        #expect(liveness == .refuses(refusal))
        #expect(liveness.isAlive)
        #expect("\(liveness)".hasPrefix("live: "))
    }

    @Test("PONG is life, and another protocol is not")
    func answers() {
        #expect(Liveness.answers.isAlive)
        #expect(!Liveness.notRedis.isAlive)
        #expect("\(Liveness.notRedis)".hasPrefix("not live: "))
    }
}
