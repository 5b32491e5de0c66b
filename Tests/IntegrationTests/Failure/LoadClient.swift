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
    private var descriptor: CInt = -1
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

    deinit { disconnect() }

    var awaitsWrites: Bool { awaited.contains { $0.request.isWrite } }

    /// What poll(2) is to wait for, if anything.
    var pollEntry: pollfd {
        let events = outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT
        return pollfd(fd: awaited.isEmpty ? -1 : descriptor, events: Int16(events), revents: 0)
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
        if descriptor < 0, let failure = connect() { return giveUp(.connectionLost(failure), report) }
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
        case .writes: return mayWrite ? [write(turn, &ledger)] : []
        case .pipelined:
            // The read that follows a write asks for another key: its answer must not be taken for the write's.
            let others = (0..<4).map { _ in Int.random(in: 0..<NamedValue.keyCount) }
            guard mayWrite else { return others.map(read) }
            return [write(2 * turn, &ledger), read(of: others[0]), write(2 * turn + 1, &ledger), read(of: others[1])]
        }
    }

    private func read(of key: Int) -> LoadRequest {
        LoadRequest(action: LoadRequest.readsRawValues && turn % 2 == 0 ? .rawGet : .get, key: key)
    }

    private func write(_ turn: Int, _ ledger: inout WriteLedger) -> LoadRequest {
        let key = ownKeys[turn % ownKeys.count]
        return LoadRequest(action: .set(counter: ledger.nextCounter(of: key)), key: key)
    }

    // MARK: The socket

    /// - Returns: why there is no connection, if there is none.
    private func connect() -> String? {
        let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_INET, flags, 0)
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(endpoint.port).bigEndian
        inet_pton(AF_INET, endpoint.host, &address.sin_addr)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code == 0 { return nil }
        guard errno == EINPROGRESS else { return "cannot connect: \(String(cString: strerror(errno)))" }
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 2000) == 1 else { return "cannot connect within 2 s" }
        return entry.revents & Int16(POLLERR | POLLHUP) == 0 ? nil : "cannot connect"
    }

    private func disconnect() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        outgoing = []
        incoming = []
    }

    private func send(_ report: (LoadOutcome) -> Void) {
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        let count = outgoing.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        if count >= 0 {
            outgoing.removeFirst(count)
        } else if errno != EAGAIN, errno != EINTR {
            giveUp(.connectionLost("send: \(String(cString: strerror(errno)))"), report)
        }
    }

    private func receive(_ ledger: inout WriteLedger, _ report: (LoadOutcome) -> Void) {
        var received = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            received = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
            count = max(0, received)
        }
        guard received > 0 else {
            if received < 0, errno == EAGAIN || errno == EINTR { return }
            let end = received == 0 ? "closed" : String(cString: strerror(errno))
            return giveUp(.connectionLost("\(end), with \(awaited.count) answers owed"), report)
        }
        incoming += chunk
        takeAnswers(&ledger, report)
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
        incoming = descriptor < 0 ? [] : Array(rest)
    }

    private func judge(_ answer: WireAnswer, to request: LoadRequest, _ ledger: inout WriteLedger) -> Verdict {
        let verdict = Verdict(of: answer, to: request)
        switch (verdict, request.action) {
        case (.stored, .set(let counter)): ledger.acknowledge(counter, of: request.key)
        case (.value(let counter, _), _) where counter > ledger.sent[request.key]:
            return .wrong("\(NamedValue.keys[request.key])#\(counter) has never been written")
        default: break
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
