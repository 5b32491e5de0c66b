import Glibc
import Hiredis
import RedisCore
import ReplicaPlanning

/// Every Sentinel, asked once a second, each in its own thread: one that is silent delays no other.
final class SentinelRound {
    /// For one question: the connect, the log-in and the answers.
    private static let limit = Duration.seconds(1)
    private static let intervalMilliseconds = 1000
    /// A name that is looked up for longer has no address for now.
    private static let lookUpMilliseconds = 2000

    /// One host of the setting, and what is known of it.
    private struct Host {
        var given: MasterAddress
        var addresses: [MasterAddress] = []
        var lookUpBegan: Int?
        var lookedUpAt: Int?
    }

    private let question: SentinelQuestion
    private let begin: Moment
    private let board: Board
    private var hosts: [Host]
    private var view: SentinelView
    /// When each one was asked last; while its answer is awaited, it is not asked again.
    private var askedAt: [MasterAddress: Int] = [:]
    private var awaited: Set<MasterAddress> = []

    init(_ question: SentinelQuestion, since begin: Moment) throws(Failure) {
        self.question = question
        self.begin = begin
        hosts = question.settings.sentinels.map { Host(given: $0) }
        view = SentinelView(question.settings.sentinels)
        board = try Board()
    }

    private var now: Int { begin.elapsedMilliseconds }

    /// Asks those that are due, takes what has come until something did, and says what is known.
    func look() -> SentinelVerdict {
        for index in hosts.indices { lookUp(index) }
        for sentinel in hosts.flatMap(\.addresses) { ask(sentinel) }
        for event in board.wait(milliseconds: 100) { take(event) }
        return view.verdict(at: .milliseconds(now))
    }

    var isMajorityAnswering: Bool { view.isMajorityAnswering(at: .milliseconds(now)) }
    var isReplacementDue: Bool { view.isReplacementDue(at: .milliseconds(now)) }

    private func lookUp(_ index: Int) {
        let host = Array(hosts[index].given.host.utf8)
        if HostForm.isIPv4(host) || HostForm.isIPv6(host) {
            hosts[index].addresses = [hosts[index].given]
            return
        }
        if let began = hosts[index].lookUpBegan {
            guard now - began > Self.lookUpMilliseconds, hosts[index].addresses.isEmpty else { return }
            note(.unknown(.silent("has no address: the name servers do not answer")), from: hosts[index].given)
            return
        }
        if let last = hosts[index].lookedUpAt, now - last < Self.lookUpMilliseconds { return }
        hosts[index].lookUpBegan = now
        let namespace = question.namespace
        board.run { .addresses(index, NameLookUp.addresses(of: host, in: namespace)) }
    }

    private func ask(_ sentinel: MasterAddress) {
        guard !awaited.contains(sentinel) else { return }
        if let last = askedAt[sentinel], now - last < Self.intervalMilliseconds { return }
        askedAt[sentinel] = now
        awaited.insert(sentinel)
        let (access, name) = (question.access, question.settings.masterName)
        board.run { .answer(sentinel, Self.answer(of: sentinel, access, masterName: name)) }
    }

    private func take(_ event: Board.Event) {
        switch event {
        case .answer(let sentinel, let answer):
            awaited.remove(sentinel)
            note(answer, from: sentinel)
        case .addresses(let index, let outcome):
            hosts[index].lookUpBegan = nil
            hosts[index].lookedUpAt = now
            let given = hosts[index].given
            switch outcome {
            case .found(let found):
                hosts[index].addresses = found.map { MasterAddress(host: $0, port: given.port) }
                view.watch(hosts.flatMap { $0.addresses.isEmpty ? [$0.given] : $0.addresses })
            case .unknown where hosts[index].addresses.isEmpty:
                note(.unknown(.silent("has no address: there is no such name")), from: given)
            case .unavailable(let reason) where hosts[index].addresses.isEmpty:
                note(.unknown(.silent("has no address: \(reason)")), from: given)
            case .unknown, .unavailable: break
            }
        }
    }

    private func note(_ answer: SentinelAnswer, from sentinel: MasterAddress) {
        view.note(answer, from: sentinel, at: .milliseconds(now))
    }

    private static func answer(
        of sentinel: MasterAddress, _ access: PeerAccess, masterName: String
    ) -> SentinelAnswer {
        var refusal: String?
        do throws(BlockingConnectionError) {
            var connection = try PeerQuestion.connect(
                sentinel.host, sentinel.port, access, within: limit, elements: 256, refusal: &refusal)
            var replies: [SentinelReply] = []
            for command in SentinelAnswer.commands(for: masterName) + [SentinelAnswer.quorumCommand(for: masterName)] {
                replies.append(reply(try connection.command(command.map { Array($0.utf8) })))
            }
            return SentinelAnswer(master: replies[0], address: replies[1], quorum: replies[2])
                .afterLogIn(refusal.map { .error($0) })
        } catch {
            return .unknown(.silent(reason(error, refusal)))
        }
    }

    private static func reason(_ error: BlockingConnectionError, _ refusal: String?) -> String {
        switch error {
        case .connect(_, let reason): "cannot be reached: \(reason)"
        case .timedOut: "does not answer within 1 s"
        case .broken(_, _, let reason): "closed the connection: \(refusal ?? reason)"
        case .refused(_, let error): "gives no usable answer: \(error)"
        }
    }

    private static func reply(_ reply: BlockingReply) -> SentinelReply {
        switch reply {
        case .simple, .bulk, .integer: .texts(reply.text.map { [$0] } ?? [])
        case .null: .null
        case .error: .error(reply.errorText ?? "")
        case .array(let elements): .texts(elements.map { $0.text ?? "" })
        }
    }
}
