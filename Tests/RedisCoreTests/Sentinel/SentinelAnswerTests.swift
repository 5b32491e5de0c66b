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
        (.error("NOPERM this user has no permissions"), here, .loginRefused("NOPERM this user has no permissions")),
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

    @Test("of replicas those count that the Sentinel reaches, each once, at most 64")
    func replicas() {
        func replica(_ host: String, _ port: String = "6379", flags: String = "slave") -> [String] {
            ["name", "x", "ip", host, "port", port, "flags", flags, "odd"]
        }
        let list = [
            replica("a"), replica("b", flags: "s_down,slave"), replica("c", flags: "slave,disconnected"),
            replica("A"), replica("", "6379"), replica("d", "0"), replica("e", "65536"), replica("f", flags: "master"),
            replica("a b"), ["ip"], [], replica("fd00::1", "7", flags: "slave"),
        ]
        #expect(SentinelReplica.healthy(list).map(\.description) == ["a:6379", "[fd00::1]:7"])
        #expect(SentinelReplica.healthy((0..<500).map { replica("h\($0)") }).count == 64)
        let gone = (0..<200).map { replica("h\($0)", flags: "s_down,slave,disconnected") }
        #expect(SentinelReplica.healthy(gone + [replica("a")]).map(\.description) == ["a:6379"])
    }
}
