@testable import Failover

/// One node, `a`, of three, with a lease that `b` holds unless a test says otherwise.
struct Scene {
    static let a = NodeID(name: "a", pod: "pod-a", start: 1)
    static let b = NodeID(name: "b", pod: "pod-b", start: 1)
    static let c = NodeID(name: "c", pod: "pod-c", start: 1)
    static let history = LeaseRecord.History(term: 3, id: "h3", start: 10)
    static let position = DataPosition(term: 3, history: "h3", offset: 100)

    var machine: FailoverMachine
    var now = Duration.seconds(1000)
    private var versions = 0

    init(_ change: (inout FailoverSettings) -> Void = { _ in }) {
        var settings = FailoverSettings(node: Self.a, members: ["a", "b", "c"])
        change(&settings)
        machine = FailoverMachine(settings)
    }

    static func record(
        holder: NodeID? = b, term: UInt64 = 3, histories: [LeaseRecord.History] = [history], successor: String? = nil,
        isPaused: Bool = false
    ) -> LeaseRecord {
        LeaseRecord(
            holder: holder, term: term, duration: .seconds(5), histories: histories,
            successor: successor.map { LeaseRecord.Successor(name: $0, offset: 100) }, isPaused: isPaused)
    }

    /// The store answers at once.
    @discardableResult
    mutating func see(_ record: LeaseRecord?) -> [FailoverMachine.Action] {
        versions += 1
        return machine.see(
            lease: record.map { ($0, LeaseVersion("\(versions)")) }, askedAt: now, at: now)
    }

    /// The store answers what it answered before.
    @discardableResult
    mutating func seeAgain(_ record: LeaseRecord) -> [FailoverMachine.Action] {
        machine.see(lease: (record, LeaseVersion("\(versions)")), askedAt: now, at: now)
    }

    @discardableResult
    mutating func local(
        _ role: NodeObservation.Role = .replica(of: "b", isLinkUp: false), _ position: DataPosition? = position,
        run: String = "run"
    ) -> [FailoverMachine.Action] {
        machine.see(local: NodeObservation(role: role, position: position, run: run, askedAt: now), at: now)
    }

    mutating func peer(
        _ name: String, _ role: NodeObservation.Role = .replica(of: "b", isLinkUp: false),
        _ position: DataPosition? = position
    ) {
        machine.see(peer: name, NodeObservation(role: role, position: position, askedAt: now))
    }

    /// The store answers what it answered before, whatever that was.
    mutating func storeAnswersAgain() {
        switch machine.lease {
        case nil: break
        case .absent: _ = machine.see(lease: nil, askedAt: now, at: now)
        case .present(let lease): _ = machine.see(lease: (lease.record, lease.version), askedAt: now, at: now)
        }
    }

    /// The store answers, its own server and `c` tell what they have; `b` is silent.
    mutating func everybodyAnswers() {
        storeAnswersAgain()
        local()
        peer("b", .away, nil)
        peer("c")
    }

    var candidacy: Candidacy { machine.candidacy(at: now) }

    /// Leads in term 4.
    static func leading() -> Scene {
        var scene = Scene()
        scene.see(record(holder: nil))
        scene.everybodyAnswers()
        let actions = scene.machine.tick(at: scene.now)
        guard case .writeLease(let taken, _)? = actions.first else { return scene }
        _ = scene.machine.leaseWritten(taken, LeaseVersion("taken"), sentAt: scene.now, at: scene.now)
        let recorded = scene.machine.promoted((id: "h4", start: 100, run: "run"), at: scene.now)
        guard case .writeLease(let named, _)? = recorded.first else { return scene }
        _ = scene.machine.leaseWritten(named, LeaseVersion("named"), sentAt: scene.now, at: scene.now)
        scene.local(.master(isTakingWrites: true), DataPosition(term: 4, history: "h4", offset: 100))
        return scene
    }

    var presentRecord: LeaseRecord? {
        if case .present(let lease) = machine.lease { lease.record } else { nil }
    }

    /// A renewal that was sent now succeeds now.
    mutating func renew() {
        guard var record = presentRecord else { return }
        record.renewals += 1
        versions += 1
        _ = machine.leaseWritten(record, LeaseVersion("r\(versions)"), sentAt: now, at: now)
    }
}
