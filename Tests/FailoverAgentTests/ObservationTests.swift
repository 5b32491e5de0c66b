import Failover
import FailoverAgent
import RedisCore
import ReplicaReconciler
import Testing

@Suite("What a server says of itself becomes")
struct ObservationTests {
    private static let members = [
        FailoverMember(name: "a", host: "127.0.0.1", port: 17400), FailoverMember(name: "b", host: "b", port: 6379),
    ]

    private static func lease(_ histories: [String]) -> LeaseRecord {
        LeaseRecord(
            holder: nil, term: UInt64(histories.count), duration: .seconds(5),
            histories: histories.enumerated().map { .init(term: UInt64($0 + 1), id: $1, start: 0) })
    }

    private static func observe(
        _ recorded: RecordedAnswer, knows histories: (ServerAnswer) -> [String] = { _ in [] },
        statement: DataPosition? = nil
    ) throws -> NodeObservation {
        let answer = try recorded.answer()
        let names = histories(answer)
        return NodeObservation(
            answer, ObservationContext(lease: names.isEmpty ? nil : lease(names), members: members),
            statement: statement.map { PositionStatement(run: answer.run, position: $0) }, askedAt: .seconds(7))
    }

    private static func own(_ answer: ServerAnswer) -> [String] { [answer.information.replication.replicationID] }
    private static func another(_: ServerAnswer) -> [String] { [String(repeating: "9", count: 40)] }

    @Test("an empty server of a new installation, which has no position", arguments: RecordedAnswer.of("fresh"))
    func fresh(recorded: RecordedAnswer) throws {
        let observation = try Self.observe(recorded)
        #expect(observation.role == .replica(of: nil, isLinkUp: false))
        #expect(observation.position == nil && !observation.run.isEmpty && observation.askedAt == .seconds(7))
        // Where there are terms it may be one that lost its data: it counts for nothing.
        #expect(try Self.observe(recorded, knows: Self.another).role == .incomplete(.emptied))
    }

    @Test("a master that refuses writes", arguments: RecordedAnswer.of("promotedRefusing"))
    func refusing(recorded: RecordedAnswer) throws {
        let observation = try Self.observe(recorded, knows: Self.own)
        #expect(observation.role == .master(isTakingWrites: false))
        #expect(observation.position?.term == 1 && observation.position?.offset == 0)
    }

    @Test(
        "a master that takes writes, with any history",
        arguments: RecordedAnswer.of("takingWrites") + RecordedAnswer.of("promotedAgain"))
    func taking(recorded: RecordedAnswer) throws {
        #expect(try Self.observe(recorded, knows: Self.own).role == .master(isTakingWrites: true))
        #expect(try Self.observe(recorded, knows: Self.another).role == .master(isTakingWrites: true))
        #expect(try Self.observe(recorded).role == .master(isTakingWrites: true))
    }

    @Test("a replica whose link is up", arguments: RecordedAnswer.of("linkUp"))
    func linkUp(recorded: RecordedAnswer) throws {
        let observation = try Self.observe(recorded, knows: Self.own)
        #expect(observation.role == .replica(of: "a", isLinkUp: true))
        let offset = try recorded.answer().information.replication.offset
        #expect(observation.position?.term == 1 && observation.position?.offset == offset && offset > 3000)
    }

    @Test("a replica whose link is down where its master was silent for long", arguments: RecordedAnswer.of("linkUp"))
    func silent(recorded: RecordedAnswer) throws {
        var answer = try recorded.answer()
        answer.information.replication.masterLink?.silentSeconds = 3
        let context = ObservationContext(lease: Self.lease(Self.own(answer)), members: Self.members)
        #expect(
            NodeObservation(answer, context, askedAt: .zero).role == .replica(of: "a", isLinkUp: false))
        answer.information.replication.masterLink?.silentSeconds = 2
        #expect(NodeObservation(answer, context, askedAt: .zero).role == .replica(of: "a", isLinkUp: true))
    }

    @Test("a fenced master: a replica with its whole position", arguments: RecordedAnswer.of("fenced"))
    func fenced(recorded: RecordedAnswer) throws {
        let observation = try Self.observe(recorded, knows: Self.own)
        #expect(observation.role == .replica(of: nil, isLinkUp: false))
        #expect(observation.position?.offset ?? 0 > 3000)
    }

    @Test(
        "one in a history that the lease does not name: its place in the one before",
        arguments: RecordedAnswer.of("promotedAgain"))
    func unrecorded(recorded: RecordedAnswer) throws {
        let observation = try Self.observe(recorded) {
            [String(repeating: "9", count: 40), $0.information.replication.secondReplicationID ?? ""]
        }
        let replication = try recorded.answer().information.replication
        #expect(observation.position?.history == replication.secondReplicationID)
        #expect(observation.position?.term == 2 && observation.position?.offset == replication.secondOffset - 1)
    }

    @Test("incomplete, while it loads its data", arguments: RecordedAnswer.of("loading"))
    func loading(recorded: RecordedAnswer) throws {
        #expect(try Self.observe(recorded).role == .incomplete(.loading))
    }

    @Test("incomplete, while it takes a copy", arguments: RecordedAnswer.of("copying"))
    func copying(recorded: RecordedAnswer) throws {
        #expect(try Self.observe(recorded, knows: Self.own).role == .incomplete(.copying))
    }

    @Test("incomplete, where a copy emptied it and failed", arguments: RecordedAnswer.of("emptied"))
    func emptied(recorded: RecordedAnswer) throws {
        #expect(try Self.observe(recorded, knows: Self.own).role == .incomplete(.emptied))
        #expect(try Self.observe(recorded, knows: Self.another).role == .incomplete(.emptied))
        #expect(try Self.observe(recorded).role == .incomplete(.emptied))
    }

    /// Before 7.0 a copy that ended in the middle looks the same.
    @Test("whole after a hang-up of its master from 7.0 on", arguments: RecordedAnswer.of("hangUpDuringPSYNC"))
    func hangUp(recorded: RecordedAnswer) throws {
        let role = try Self.observe(recorded, knows: Self.own).role
        let isOld = recorded.version.contains("-6.")
        #expect(role == (isOld ? .incomplete(.copying) : .replica(of: nil, isLinkUp: false)))
    }

    @Test(
        "after a restart from an append-only file: where its position file says, or nothing that counts",
        arguments: RecordedAnswer.of("restartedAppendOnly"))
    func restarted(recorded: RecordedAnswer) throws {
        let position = DataPosition(term: 1, history: String(repeating: "9", count: 40), offset: 3000)
        let known = try Self.observe(recorded, knows: Self.another, statement: position)
        #expect(known.role == .replica(of: nil, isLinkUp: false) && known.position == position)
        #expect(try Self.observe(recorded, knows: Self.another).role == .incomplete(.positionUnknown))
        // A statement of another process of it does not count.
        let answer = try recorded.answer()
        let context = ObservationContext(lease: Self.lease(Self.another(answer)), members: Self.members)
        let stale = PositionStatement(run: "another", position: position)
        #expect(
            NodeObservation(answer, context, statement: stale, askedAt: .zero).role == .incomplete(.positionUnknown))
    }

    // MARK: Without an append-only file, and with a lease that is older than the data

    private static func withoutAppendOnlyFile(_ recorded: RecordedAnswer) throws -> ServerAnswer {
        var answer = try recorded.answer()
        answer.information.fields["aof_enabled"] = "0"
        return answer
    }

    @Test(
        "without an append-only file: whole where its agent counts it, else one that may have lost what it had",
        arguments: RecordedAnswer.of("fenced"))
    func vouched(recorded: RecordedAnswer) throws {
        let answer = try Self.withoutAppendOnlyFile(recorded)
        let context = ObservationContext(lease: Self.lease(Self.own(answer)), members: Self.members)
        let silent = NodeObservation(answer, context, isVouched: false, askedAt: .zero)
        #expect(silent.role == .incomplete(.positionUnknown))
        #expect(silent.position?.term == 1, "it may be ahead all the same")
        let own = try #require(silent.position)
        func statement(_ change: (inout PositionStatement) -> Void) -> PositionStatement {
            var statement = PositionStatement(run: answer.run, position: own)
            change(&statement)
            return statement
        }
        let said = NodeObservation(answer, context, statement: statement { _ in }, askedAt: .zero)
        #expect(said.role == .replica(of: nil, isLinkUp: false) && said.position == own)
        let less = NodeObservation(
            answer, context, statement: statement { $0.position.offset += 1 }, askedAt: .zero)
        #expect(less.role == .incomplete(.lostData))
        // It was killed: that its save goes as far as the file says nothing of the writes after both.
        let killed = NodeObservation(answer, context, statement: statement { $0.endedInOrder = false }, askedAt: .zero)
        #expect(killed.role == .incomplete(.lostData))
        // It was restarted while it was promoted.
        var master = answer
        master.information.replication.masterLink = nil
        master.information.replication.role = .master
        master.refusesWrites = true
        let promoted = NodeObservation(
            master, context, statement: statement { $0.endedInOrder = false }, askedAt: .zero)
        #expect(promoted.role == .incomplete(.lostData))
        // Its PINGs went on since its agent said how far it goes.
        let pinged = NodeObservation(master, context, statement: statement { $0.position.offset += 14 }, askedAt: .zero)
        #expect(pinged.role == .master(isTakingWrites: false))
        // With an append-only file it says itself how far it goes.
        let sound = try recorded.answer()
        var kept = sound
        kept.information.fields["aof_enabled"] = "1"
        #expect(
            NodeObservation(kept, context, isVouched: false, askedAt: .zero).role == .replica(of: nil, isLinkUp: false))
        // A new installation has no term that could be lost.
        let fresh = ObservationContext(lease: nil, members: Self.members)
        #expect(
            NodeObservation(answer, fresh, isVouched: false, askedAt: .zero).role == .replica(of: nil, isLinkUp: false))
    }

    @Test("in the term that the position file names, where the lease lacks it", arguments: RecordedAnswer.of("fenced"))
    func newerThanLease(recorded: RecordedAnswer) throws {
        let answer = try recorded.answer()
        let history = answer.information.replication.replicationID
        var context = ObservationContext(lease: Self.lease(Self.another(answer)), members: Self.members)
        context.last = DataPosition(term: 2, history: history, offset: 1)
        let observation = NodeObservation(answer, context, askedAt: .zero)
        #expect(observation.position?.term == 2 && observation.position?.history == history)
        #expect(observation.position?.offset ?? 0 > 3000)
    }

    @Test(
        "in a history that the lease does not name: as far as its agent says, which knows a later term",
        arguments: RecordedAnswer.of("promotedAgain"))
    func agentKnowsLaterTerm(recorded: RecordedAnswer) throws {
        var answer = try recorded.answer()
        answer.refusesWrites = true
        let replication = answer.information.replication
        let second = try #require(replication.secondReplicationID)
        let context = ObservationContext(lease: Self.lease([second]), members: Self.members)
        let silent = NodeObservation(answer, context, isVouched: false, askedAt: .zero)
        #expect(silent.role == .incomplete(.positionUnknown))
        let later = DataPosition(term: 2, history: replication.replicationID, offset: replication.offset)
        let said = NodeObservation(
            answer, context, statement: PositionStatement(run: answer.run, position: later), askedAt: .zero)
        #expect(said.role == .master(isTakingWrites: false) && said.position == later)
        let same = DataPosition(term: 1, history: second, offset: 5)
        let branch = NodeObservation(
            answer, context, statement: PositionStatement(run: answer.run, position: same), askedAt: .zero)
        #expect(branch.position?.history == second && branch.position?.offset == replication.secondOffset - 1)
    }

    @Test("every recorded state and version is there")
    func recorded() {
        let states = Set(RecordedAnswer.all.map(\.state))
        #expect(states.count == 11 && Set(RecordedAnswer.all.map(\.version)).count == 7, "\(states)")
    }
}
