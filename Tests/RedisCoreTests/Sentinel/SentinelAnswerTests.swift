import RedisCore
import Testing

@Suite("What one Sentinel says is a master only without any doubt")
struct SentinelAnswerTests {
    private static func fields(
        _ address: (String, String) = ("10.0.0.1", "6379"), epoch: String? = "3", flags: String? = "master",
        more: [String] = ["num-slaves", "2", "num-other-sentinels", "2", "quorum", "2"]
    ) -> SentinelReply {
        var texts = ["name", "m", "ip", address.0, "port", address.1, "runid", ""]
        if let flags { texts += ["flags", flags] }
        if let epoch { texts += ["config-epoch", epoch] }
        return .texts(texts + more)
    }

    private static let here = SentinelReply.texts(["10.0.0.1", "6379"])
    private static let named = SentinelMaster(
        .init(host: "10.0.0.1", port: 6379), epoch: 3, quorum: 2, otherSentinels: 2, replicas: 2)

    @Test("a healthy master, also while Sentinel connects to it")
    func healthy() {
        for flags in ["master", "master,disconnected", "master,failover_in_progress,force_failover"] {
            var expected = Self.named
            expected.isFailingOver = flags.contains("failover_in_progress")
            expected.isBeingReplaced = expected.isFailingOver
            #expect(SentinelAnswer(master: Self.fields(flags: flags), address: Self.here) == .master(expected))
        }
    }

    @Test("the leader of a fail-over names the new master, although its other answer still has the old one, down")
    func leader() {
        let flags = "s_down,o_down,master,failover_in_progress"
        let answer = SentinelAnswer(
            master: Self.fields(("10.0.0.9", "6379"), epoch: "4", flags: flags), address: Self.here)
        var expected = Self.named
        expected.epoch = 4
        expected.isFailingOver = true
        #expect(answer == .master(expected))
    }

    @Test("one that is down is no master, and is known")
    func down() {
        for flags in [["s_down", "master"], ["s_down", "o_down", "master", "disconnected"]] {
            let answer = SentinelAnswer(
                master: Self.fields(flags: flags.joined(separator: ",")), address: Self.here)
            #expect(answer == .unknown(.masterDown(Self.named, flags: flags)))
            #expect(answer.named == Self.named)
        }
    }

    @Test("whether it reaches the others is known where it was asked, and any other answer is no")
    func quorum() {
        func reach(_ reply: SentinelReply?) -> Bool? {
            SentinelAnswer(master: Self.fields(), address: Self.here, quorum: reply).named?.reachesMajority
        }
        #expect(reach(nil) == nil)
        #expect(reach(.texts(["OK 3 usable Sentinels. Quorum and failover authorization can be reached"])) == true)
        #expect(reach(.error("NOQUORUM 1 usable Sentinels. Not enough available Sentinels")) == false)
        for odd in [SentinelReply.null, .other, .texts([]), .texts(["OK ", "x"]), .error("NOPERM x")] {
            #expect(reach(odd) == false)
        }
    }

    private static let doubtful: [(SentinelReply, SentinelReply, SentinelAnswer.Reason)] = [
        (.error("ERR No such master with that name"), .null, .unknownName), (fields(), .null, .unknownName),
        (.null, here, .unknownName),
        (fields(("", "6379")), .texts(["", "6379"]), .noAddress),
        (fields(("10.0.0.1", "0")), .texts(["10.0.0.1", "0"]), .noAddress),
        (fields(), .texts(["10.0.0.1", "65536"]), .noAddress), (fields(), .texts(["10.0.0.1", "x"]), .noAddress),
        (fields(), .texts(["a b", "6379"]), .noAddress), (fields(), .texts(["10.0.0.1:6379", "6379"]), .noAddress),
        (
            .error("NOAUTH Authentication required."), .error("NOAUTH x"),
            .loginRefused("NOAUTH Authentication required.")
        ),
        (.error("NOPERM this user has no permissions"), here, .forbidden(command: ["SENTINEL", "MASTER"])),
        (
            .error("DENIED Redis is running in protected mode"), here,
            .loginRefused("DENIED Redis is running in protected mode")
        ),
        (.error("ERR unknown command 'SENTINEL'"), .error("ERR unknown command"), .notASentinel),
        (.error("ERR unknown command `SENTINEL`, with args"), .error("x"), .notASentinel),
        (
            fields(), .error("IDONTKNOW I have not enough information to reply. Please ask another Sentinel."),
            .refused("IDONTKNOW I have not enough information to reply. Please ask another Sentinel.")
        ),
        (.other, here, .refused("an answer that no Sentinel gives")),
        (fields(), .texts(["10.0.0.1"]), .refused("an answer without host and port")),
        (.texts([]), here, .refused("an answer without config-epoch and flags")),
        (fields(epoch: nil), here, .refused("an answer without config-epoch and flags")),
        (fields(epoch: "-1"), here, .refused("an answer without config-epoch and flags")),
        (fields(epoch: "18446744073709551616"), here, .refused("an answer without config-epoch and flags")),
        (fields(flags: nil), here, .refused("an answer without config-epoch and flags")),
        (fields(flags: "slave"), here, .refused("flags that no master has")),
    ]

    @Test("everything else is unknown, with its reason", arguments: doubtful)
    func doubt(master: SentinelReply, address: SentinelReply, reason: SentinelAnswer.Reason) {
        #expect(SentinelAnswer(master: master, address: address) == .unknown(reason))
    }

    @Test("numbers that are out of bounds are not used, and a foreign error is shown as a log can hold it")
    func bounds() {
        let wild = Self.fields(more: ["num-slaves", "-5", "quorum", "99999999999999999999", "num-other-sentinels"])
        #expect(SentinelAnswer(master: wild, address: Self.here).named?.replicas == 0)
        let answer = SentinelAnswer(
            master: .error("ERR \u{1B}[31m" + String(repeating: "x", count: 500)), address: Self.here)
        #expect("\(answer)".utf8.count < 200)
        #expect("\(answer)".utf8.allSatisfy { $0 < 0x7F && $0 >= 0x20 || $0 > 0x7F })
    }

    @Test("a fail-over under way is reported until the next master is named")
    func failingOver() {
        func isBeingReplaced(_ address: (String, String), flags: String) -> Bool? {
            let answer = SentinelAnswer(
                master: Self.fields(("10.0.0.1", "6379"), flags: flags), address: .texts([address.0, address.1]))
            return answer.named?.isBeingReplaced
        }
        #expect(isBeingReplaced(("10.0.0.1", "6379"), flags: "master,failover_in_progress,force_failover") == true)
        #expect(isBeingReplaced(("10.0.0.1", "6379"), flags: "s_down,o_down,master,failover_in_progress") == true)
        #expect(isBeingReplaced(("10.0.0.2", "6379"), flags: "master,failover_in_progress") == false)
        #expect(isBeingReplaced(("10.0.0.1", "6379"), flags: "master") == false)
    }

    @Test("a command that the user may not run is named, with the right that is missing")
    func permission() {
        let refused = SentinelReply.error("NOPERM this user has no permissions to run the 'sentinel' command")
        let master = SentinelAnswer(master: refused, address: refused)
        #expect(master == .unknown(.forbidden(command: ["SENTINEL", "MASTER"])))
        #expect(master.code == "no-permission")
        #expect("\(master)" == "does not let this user run SENTINEL MASTER (NOPERM): grant +sentinel|master to it")
        let address = SentinelAnswer(master: Self.fields(), address: refused)
        #expect("\(address)".hasSuffix("grant +sentinel|get-master-addr-by-name to it"))
        let quorum = SentinelAnswer(master: Self.fields(), address: Self.here, quorum: refused)
        #expect(quorum.named?.forbiddenMajority?.hasSuffix("grant +sentinel|ckquorum to it") == true)
        #expect(quorum.named?.reachesMajority == false)
        for odd in [nil, SentinelReply.error("NOQUORUM 1 usable Sentinels"), .null] {
            let answer = SentinelAnswer(master: Self.fields(), address: Self.here, quorum: odd)
            #expect(answer.named != nil && answer.named?.forbiddenMajority == nil)
        }
    }

    @Test("a refused log-in is what is said, where it has other commands refused")
    func refusedLogIn() {
        let noPermission = SentinelAnswer.unknown(.forbidden(command: ["SENTINEL", "MASTER"]))
        let noLogIn = SentinelAnswer.unknown(.loginRefused("NOAUTH Authentication required."))
        for answer in [noPermission, noLogIn] {
            #expect(answer.afterLogIn(.error("WRONGPASS x")) == .unknown(.loginRefused("WRONGPASS x")))
            #expect(answer.afterLogIn(.texts(["OK"])) == answer)
            #expect(answer.afterLogIn(nil) == answer)
        }
        // A Sentinel without a password refuses every one.
        #expect(SentinelAnswer.master(Self.named).afterLogIn(.error("ERR AUTH")) == .master(Self.named))
    }

    private static func replica(_ host: String, _ port: String = "6379", flags: String = "slave") -> [String] {
        ["name", "x", "ip", host, "port", port, "flags", flags, "odd"]
    }

    private static func replicas(_ list: [[String]]) -> SentinelReplicas {
        list.reduce(into: SentinelReplicas()) { $0.take($1) }
    }

    @Test("of replicas those count that the Sentinel reaches, each once")
    func replicas() {
        let list = [
            Self.replica("a"), Self.replica("b", flags: "s_down,slave"), Self.replica("c", flags: "slave,disconnected"),
            Self.replica("A"), Self.replica("", "6379"), Self.replica("d", "0"), Self.replica("e", "65536"),
            Self.replica("f", flags: "master"), Self.replica("a b"), ["ip"], [],
            Self.replica("fd00::1", "7", flags: "slave"),
        ]
        #expect(Self.replicas(list).healthy.map(\.description) == ["a:6379", "[fd00::1]:7"])
        #expect(Self.replicas(list).bound == nil)
    }

    @Test("a list beyond the bounds is used up to them, and which one was met is known")
    func replicaBounds() {
        let many = Self.replicas((0..<500).map { Self.replica("h\($0)") })
        #expect(many.healthy.count == 64 && many.bound == .healthy(64))
        #expect(Self.replicas((0..<64).map { Self.replica("h\($0)") }).bound == nil)
        let gone = (0..<4095).map { Self.replica("h\($0)", flags: "s_down,slave,disconnected") }
        let whole = Self.replicas(gone + [Self.replica("a")])
        #expect(whole.healthy.map(\.description) == ["a:6379"] && whole.bound == nil)
        let longer = Self.replicas(gone + [Self.replica("a"), Self.replica("b")])
        #expect(longer.healthy.map(\.description) == ["a:6379"] && longer.bound == .listed(4096))
    }
}
