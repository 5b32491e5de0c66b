import RedisCore
import Testing

@Suite("The Sentinels together say who the master is")
struct SentinelViewTests {
    private static let sentinels = (1...3).map { MasterAddress(host: "s\($0)", port: 26379) }
    private static let old = MasterAddress(host: "10.0.0.1", port: 6379)
    private static let new = MasterAddress(host: "10.0.0.2", port: 6379)
    private static let silent = SentinelAnswer.unknown(.silent("does not answer within 1 s"))

    private func master(_ address: MasterAddress, _ epoch: UInt64) -> SentinelAnswer {
        .master(SentinelMaster(address, epoch: epoch))
    }

    private func down(_ address: MasterAddress, _ epoch: UInt64) -> SentinelAnswer {
        .unknown(.masterDown(SentinelMaster(address, epoch: epoch), flags: ["s_down", "master"]))
    }

    /// A view that has heard one answer of each, at the same time.
    private func view(_ answers: [SentinelAnswer?], at time: Duration = .zero) -> SentinelView {
        var view = SentinelView(Self.sentinels)
        note(answers, in: &view, at: time)
        return view
    }

    private func note(_ answers: [SentinelAnswer?], in view: inout SentinelView, at time: Duration) {
        for (sentinel, answer) in zip(Self.sentinels, answers) {
            if let answer { view.note(answer, from: sentinel, at: time) }
        }
    }

    @Test("one that was cut off never wins against a higher epoch, in any order")
    func highest() {
        for answers in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
            var view = view(answers.map { $0 == 1 ? master(new, 2) : master(old, 1) })
            #expect(view.verdict(at: .zero) == .master(SentinelMaster(Self.new, epoch: 2), isMajority: true))
        }
    }

    private var old: MasterAddress { Self.old }
    private var new: MasterAddress { Self.new }

    @Test("the first answer alone decides nothing; a majority that agrees, or the last one, does")
    func asking() {
        var view = SentinelView(Self.sentinels)
        #expect(view.verdict(at: .zero) == .unknown(.asking))
        note([master(old, 1)], in: &view, at: .zero)
        #expect(view.verdict(at: .zero) == .unknown(.asking))
        note([nil, master(new, 2)], in: &view, at: .zero)
        #expect(view.verdict(at: .zero) == .unknown(.asking))
        note([nil, nil, Self.silent], in: &view, at: .zero)
        #expect(view.verdict(at: .zero).master?.address == new)
        var agreed = self.view([master(old, 1), master(old, 1), nil])
        #expect(agreed.verdict(at: .zero).master?.address == old)
    }

    @Test("never back to a lower epoch when the Sentinel that knew the higher one falls silent")
    func neverBack() {
        var view = view([master(new, 2), master(old, 1), master(old, 1)])
        #expect(view.verdict(at: .zero).master?.address == new)
        for second in 1...600 {
            note([Self.silent, master(old, 1), master(old, 1)], in: &view, at: .seconds(second))
            #expect(view.verdict(at: .seconds(second)) == .unknown(.olderEpoch(1, seen: 2)))
        }
        note([nil, master(new, 2)], in: &view, at: .seconds(601))
        #expect(view.verdict(at: .seconds(601)).master?.address == new)
    }

    @Test("all Sentinels with new files, of one mind for half a minute, begin again")
    func restart() {
        var view = view([master(new, 7), master(new, 7), master(new, 7)])
        #expect(view.verdict(at: .zero).master != nil)
        let began = Duration.seconds(10)
        for second in 0..<30 {
            note(Array(repeating: master(old, 0), count: 3), in: &view, at: began + .seconds(second))
            #expect(view.verdict(at: began + .seconds(second)) == .unknown(.olderEpoch(0, seen: 7)))
        }
        // One that is silent meanwhile has the time begin again.
        note([Self.silent], in: &view, at: began + .seconds(30))
        #expect(view.verdict(at: began + .seconds(30)) == .unknown(.olderEpoch(0, seen: 7)))
        for second in 31..<61 {
            note(Array(repeating: master(old, 0), count: 3), in: &view, at: began + .seconds(second))
            #expect(view.verdict(at: began + .seconds(second)) == .unknown(.olderEpoch(0, seen: 7)))
        }
        note(Array(repeating: master(old, 0), count: 3), in: &view, at: began + .seconds(61))
        #expect(view.verdict(at: began + .seconds(61)).master?.address == old)
    }

    @Test("without a majority the verdict says so")
    func minority() {
        var view = view([master(new, 2), Self.silent, .unknown(.unknownName)])
        #expect(view.verdict(at: .zero) == .master(SentinelMaster(new, epoch: 2), isMajority: false))
        note([nil, nil, master(old, 1)], in: &view, at: .zero)
        #expect(view.verdict(at: .zero) == .master(SentinelMaster(new, epoch: 2), isMajority: true))
    }

    @Test("one address counts for all where it reaches most others; of several, most have to answer")
    func reach() {
        func named(_ reach: Bool?) -> SentinelAnswer {
            var master = SentinelMaster(new, epoch: 2)
            master.reachesMajority = reach
            return .master(master)
        }
        func isMajority(_ view: SentinelView) -> Bool? {
            var view = view
            guard case .master(_, let isMajority) = view.verdict(at: .zero) else { return nil }
            return isMajority
        }
        #expect(isMajority(view([named(true), Self.silent, Self.silent])) == false)
        #expect(isMajority(view([named(false), Self.silent, Self.silent])) == false)
        #expect(isMajority(view([named(false), named(false), Self.silent])) == true)
        for (reach, expected) in [(nil, true), (true, true), (false, false)] as [(Bool?, Bool)] {
            var one = SentinelView([Self.sentinels[0]])
            one.note(named(reach), from: Self.sentinels[0], at: .zero)
            #expect(isMajority(one) == expected)
        }
    }

    @Test("two masters with one epoch contradict each other, and a name differs from itself in no case of its letters")
    func contradiction() {
        var view = view([master(old, 2), master(new, 2), master(new, 2)])
        #expect(view.verdict(at: .zero) == .unknown(.contradiction([old, new], epoch: 2)))
        let names = ["Redis-0", "redis-0"].map { MasterAddress(host: $0, port: 6379) }
        var same = self.view([master(names[0], 2), master(names[1], 2), Self.silent])
        #expect(same.verdict(at: .zero).master?.address == names[0])
    }

    @Test(
        "after a contradiction the address that was named before stays, also when the Sentinel that names it falls silent"
    )
    func contradicted() {
        var view = view([master(old, 2), master(old, 2), master(old, 2)])
        #expect(view.verdict(at: .zero).master?.address == old)
        let doubt = SentinelVerdict.unknown(.contradiction([old, new], epoch: 2))
        note([master(old, 2), master(new, 2), master(new, 2)], in: &view, at: .seconds(1))
        #expect(view.verdict(at: .seconds(1)) == doubt)
        for second in 2..<600 {
            note([Self.silent, master(new, 2), master(new, 2)], in: &view, at: .seconds(second))
            #expect(view.verdict(at: .seconds(second)) == doubt)
        }
        note([master(old, 2), Self.silent, Self.silent], in: &view, at: .seconds(600))
        #expect(view.verdict(at: .seconds(600)).master?.address == old)
        // The next fail-over is followed.
        note([Self.silent, master(new, 3), master(new, 2)], in: &view, at: .seconds(601))
        #expect(view.verdict(at: .seconds(601)).master?.address == new)
    }

    @Test("another address of one epoch is taken where each Sentinel names it, and from a Service after a while alone")
    func otherAddress() {
        var view = view([master(old, 2), master(old, 2), master(old, 2)])
        #expect(view.verdict(at: .zero).master?.address == old)
        note(Array(repeating: master(new, 2), count: 3), in: &view, at: .seconds(1))
        #expect(view.verdict(at: .seconds(1)).master?.address == new)
        for others in [0, 2] {
            func named(_ address: MasterAddress) -> SentinelAnswer {
                .master(SentinelMaster(address, epoch: 2, otherSentinels: others))
            }
            var one = SentinelView([Self.sentinels[0]])
            one.note(named(old), from: Self.sentinels[0], at: .zero)
            #expect(one.verdict(at: .zero).master?.address == old)
            for second in 1...30 {
                one.note(named(new), from: Self.sentinels[0], at: .seconds(second))
                #expect((one.verdict(at: .seconds(second)).master?.address == new) == (others == 0))
            }
            one.note(named(new), from: Self.sentinels[0], at: .seconds(31))
            #expect(one.verdict(at: .seconds(31)).master?.address == new)
        }
    }

    @Test("that the majority may not be asked for matters where there is one address alone")
    func forbiddenMajority() {
        var named = SentinelMaster(new, epoch: 2)
        named.reachesMajority = false
        named.isMajorityForbidden = true
        var one = SentinelView([Self.sentinels[0]])
        one.note(.master(named), from: Self.sentinels[0], at: .zero)
        #expect(one.verdict(at: .zero) == .master(named, isMajority: false))
        var several = view([.master(named), .master(named), Self.silent])
        guard case .master(let master, true) = several.verdict(at: .zero) else {
            Issue.record("a majority")
            return
        }
        #expect(master.forbiddenMajority == nil)
    }

    @Test("one Sentinel that sees it up is enough; where all take it for down it is unknown")
    func down() {
        var view = view([down(old, 1), down(old, 1), master(old, 1)])
        #expect(view.verdict(at: .zero).master?.address == old)
        note([nil, nil, down(old, 1)], in: &view, at: .seconds(1))
        #expect(
            view.verdict(at: .seconds(1))
                == .unknown(.masterDown(SentinelMaster(old, epoch: 1), flags: ["s_down", "master"])))
        note([master(new, 2)], in: &view, at: .seconds(2))
        #expect(view.verdict(at: .seconds(2)).master?.address == new)
    }

    @Test("an answer counts for five seconds")
    func age() {
        var view = view([master(old, 1), master(old, 1), master(old, 1)])
        #expect(view.verdict(at: .seconds(5)).master?.address == old)
        guard case .unknown(.noneReached) = view.verdict(at: .seconds(5) + .nanoseconds(1)) else {
            Issue.record("too old")
            return
        }
        // One that comes late, out of order, changes nothing.
        note([master(new, 2)], in: &view, at: .seconds(10))
        note([master(old, 3)], in: &view, at: .seconds(9))
        #expect(view.verdict(at: .seconds(10)).master == SentinelMaster(new, epoch: 2))
        #expect(view.reports(at: .seconds(10)).map { $0.answer?.named?.epoch } == [2, nil, nil])
    }

    @Test("why no master is known: none answers, none knows the name, or each has a reason of its own")
    func reasons() {
        var none = view([Self.silent, Self.silent, Self.silent])
        guard case .unknown(.noneReached(let reasons)) = none.verdict(at: .zero) else {
            Issue.record("reached")
            return
        }
        #expect(reasons.count == 3 && reasons[0] == "s1:26379 does not answer within 1 s")
        var nameless = view([.unknown(.unknownName), Self.silent, .unknown(.unknownName)])
        #expect(nameless.verdict(at: .zero) == .unknown(.unknownName([Self.sentinels[0], Self.sentinels[2]])))
        var odd = view([.unknown(.unknownName), .unknown(.notASentinel), Self.silent])
        guard case .unknown(.noneNamed(let each)) = odd.verdict(at: .zero) else {
            Issue.record("named")
            return
        }
        #expect(each.count == 2)
    }

    @Test("the Sentinels of a name may change: at most sixteen, and what is known of those that stay is kept")
    func membership() {
        var view = view([master(new, 2), master(new, 2), master(new, 2)])
        let many = Self.sentinels[1...] + (4...40).map { MasterAddress(host: "s\($0)", port: 26379) }
        view.watch(Array(many))
        #expect(view.sentinels.count == 16)
        #expect(view.reports(at: .zero).compactMap(\.answer).count == 2)
        #expect(view.verdict(at: .zero) == .unknown(.asking))
        view.watch([Self.sentinels[1]])
        #expect(view.verdict(at: .zero).master?.address == new)
        // One that is not asked any more does not count.
        view.note(master(old, 9), from: Self.sentinels[0], at: .seconds(1))
        #expect(view.verdict(at: .seconds(1)).master?.address == new)
    }
}
