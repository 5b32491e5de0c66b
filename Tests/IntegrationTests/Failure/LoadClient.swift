import Glibc
import LocalTopology

/// One answer, or the lack of one.
struct LoadOutcome: Sendable {
    enum Result: Hashable, Sendable {
        case verdict(Verdict)
        /// The connection ended, or never began, without the answer.
        case connectionLost(String)
        /// No answer within ``LoadClient/answerLimit``.
        case silence
    }

    let request: LoadRequest
    let sent: ContinuousClock.Instant
    let answered: ContinuousClock.Instant
    let result: Result
}

/// One keep-alive connection that asks without end, opened again where the app closes it. Lives on the load's thread.
final class LoadClient {
    /// What a client asks.
    enum Habit {
        /// One read after the other.
        case reads
        /// One write after the other.
        case writes
        /// Writes and reads in turns, four in one piece.
        case pipelined
    }

    /// The longest an answer may take.
    static let answerLimit = Duration.seconds(8)

    private let endpoint: Endpoint
    private let habit: Habit
    private let pause: Duration
    /// The keys that this client alone writes.
    private let ownKeys: [Int]
    private var turn = 0
    /// Writes that were reported as not applied, and were not checked since; their keys are not written meanwhile.
    private var suspects: [(key: Int, counter: Int)] = []
    private var socket: LoadSocket?
    private var awaited: [(request: LoadRequest, sent: ContinuousClock.Instant)] = []
    private var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []
    private var resumesAt: ContinuousClock.Instant

    /// - Parameter pause: between an answer and the next request.
    init(endpoint: Endpoint, habit: Habit, pause: Duration, ownKeys: [Int], startsAt start: ContinuousClock.Instant) {
        self.endpoint = endpoint
        self.habit = habit
        self.pause = pause
        self.ownKeys = ownKeys
        resumesAt = start
    }

    var awaitsWrites: Bool { awaited.contains { $0.request.isWrite } }

    /// What poll(2) is to wait for, if anything.
    var pollEntry: pollfd {
        let events = outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT
        return pollfd(fd: awaited.isEmpty ? -1 : socket?.descriptor ?? -1, events: Int16(events), revents: 0)
    }

    /// Sends what is due.
    func advance(
        _ now: ContinuousClock.Instant, mayWrite: Bool, ledger: inout WriteLedger, report: (LoadOutcome) -> Void
    ) {
        guard awaited.isEmpty else {
            if now - awaited[0].sent > Self.answerLimit { giveUp(.silence, report) }
            return
        }
        guard now >= resumesAt else { return }
        let requests = nextRequests(mayWrite: mayWrite, ledger: &ledger)
        guard !requests.isEmpty else { return }
        awaited = requests.map { ($0, now) }
        outgoing = requests.flatMap(\.wire)
        send(report)
    }

    /// Takes what poll(2) says has come.
    func handle(_ events: Int16, ledger: inout WriteLedger, report: (LoadOutcome) -> Void) {
        if events & Int16(POLLIN | POLLHUP | POLLERR) != 0 { receive(&ledger, report) }
        if events & Int16(POLLOUT) != 0, !outgoing.isEmpty { send(report) }
    }

    private func nextRequests(mayWrite: Bool, ledger: inout WriteLedger) -> [LoadRequest] {
        turn += 1
        switch habit {
        case .reads: return [read(of: Int.random(in: 0..<NamedValue.keyCount))]
        case .writes:
            if let check { return [check] }
            return mayWrite ? [write(turn, &ledger)] : []
        case .pipelined:
            // The read that follows a write asks for another key: its answer must not be taken for the write's.
            let others = (0..<4).map { _ in Int.random(in: 0..<NamedValue.keyCount) }
            if let check { return [check] + others.dropFirst().map(read) }
            guard mayWrite else { return others.map(read) }
            return [write(2 * turn, &ledger), read(of: others[0]), write(2 * turn + 1, &ledger), read(of: others[1])]
        }
    }

    private func read(of key: Int) -> LoadRequest {
        LoadRequest(action: LoadRequest.readsRawValues && turn % 2 == 0 ? .rawGet : .get, key: key)
    }

    /// Checks whether the oldest write that was reported as not applied was applied.
    private var check: LoadRequest? {
        suspects.first.map { LoadRequest(action: .check(refused: $0.counter), key: $0.key) }
    }

    private func write(_ turn: Int, _ ledger: inout WriteLedger) -> LoadRequest {
        let key = ownKeys[turn % ownKeys.count]
        let counter = ledger.nextCounter(of: key)
        let action: LoadRequest.Action =
            switch counter % 3 {
            case 0: .set(counter: counter)
            case 1: .put(counter: counter)
            default: .batch(counter: counter)
            }
        return LoadRequest(action: action, key: key)
    }

    // MARK: The socket

    private func disconnect() {
        socket = nil
        outgoing = []
        incoming = []
    }

    private func send(_ report: (LoadOutcome) -> Void) {
        do throws(LoadSocket.Failure) {
            if socket == nil { socket = try LoadSocket(to: endpoint) }
            try socket?.send(&outgoing)
        } catch {
            giveUp(.connectionLost(error.reason), report)
        }
    }

    private func receive(_ ledger: inout WriteLedger, _ report: (LoadOutcome) -> Void) {
        switch socket?.receive() {
        case nil, .nothing: break
        case .bytes(let bytes):
            incoming += bytes
            takeAnswers(&ledger, report)
        case .end(let how): giveUp(.connectionLost("\(how), with \(awaited.count) answers owed"), report)
        }
    }

    private func takeAnswers(_ ledger: inout WriteLedger, _ report: (LoadOutcome) -> Void) {
        let now = ContinuousClock.now
        var rest = incoming[...]
        while let (request, sent) = awaited.first {
            switch WireAnswer.cut(from: rest) {
            case .incomplete:
                incoming = Array(rest)
                return
            case .notHTTP(let head): return giveUp(.verdict(.wrong("not HTTP: \(head)")), report)
            case .answer(let answer, let length):
                rest = rest.dropFirst(length)
                awaited.removeFirst()
                let verdict = judge(answer, to: request, &ledger)
                report(LoadOutcome(request: request, sent: sent, answered: now, result: .verdict(verdict)))
                guard answer.headers["connection"] != "close" else {
                    if !awaited.isEmpty { giveUp(.connectionLost("closed by \(answer.status)"), report) }
                    disconnect()
                    break
                }
            }
        }
        resumesAt = now + pause
        // Answers to nothing would be taken for those of the next requests: they are, and found wrong there.
        incoming = socket == nil ? [] : Array(rest)
    }

    private func judge(_ answer: WireAnswer, to request: LoadRequest, _ ledger: inout WriteLedger) -> Verdict {
        let verdict = Verdict(of: answer, to: request)
        switch (verdict, request.written) {
        case (.stored, let counter?): ledger.acknowledge(counter, of: request.key)
        // A later write of the same key, in the same piece, would hide it.
        case (.unavailable, let counter?)
        where !awaited.contains { $0.request.key == request.key && $0.request.isWrite }:
            suspects.append((request.key, counter))
        case (.value(let counter, _), _) where counter > ledger.sent[request.key]:
            return .wrong("\(NamedValue.keys[request.key])#\(counter) has never been written")
        default: break
        }
        if case .check(let refused) = request.action {
            // It is looked for until the master has been asked.
            if case .unavailable = verdict {
            } else {
                suspects.removeAll { $0.key == request.key && $0.counter == refused }
            }
        }
        return verdict
    }

    /// Ends the connection; everything that was asked over it gets this result.
    private func giveUp(_ result: LoadOutcome.Result, _ report: (LoadOutcome) -> Void) {
        let now = ContinuousClock.now
        for (request, sent) in awaited {
            report(LoadOutcome(request: request, sent: sent, answered: now, result: result))
        }
        awaited = []
        disconnect()
        resumesAt = now + pause
    }
}
