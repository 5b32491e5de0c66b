import Glibc
import LocalTopology
import Synchronization
import Testing

/// A name or a Service in front of servers, as far as a client can tell: takes connections on one port, and relays each to
/// the next of its targets.
///
/// It can put bytes into the streams that no real server would send. Its threads end with ``stop()``.
final class LoopbackProxy: Sendable {
    let endpoint: Endpoint

    private struct State {
        var targets: [Endpoint]
        var turn = 0
        var accepted = 0
        /// Both sockets of every connection that is open.
        var pairs: [(client: CInt, server: CInt)] = []
        var greeting: [UInt8]?
        var isHeld = false
        var delayMilliseconds = 0
        /// What a request has to hold for the replies behind it to come later, and by how much.
        var pause: (marker: [UInt8], milliseconds: Int)?
        var pauses = 0
        /// Client sockets of connections whose next reply is to come later.
        var pausing: Set<CInt> = []
        var cut: ReplyCut?
        /// Client sockets of connections whose reply is to be cut, how much of it may still pass, and what follows that.
        var cutting: [CInt: (left: Int, ending: [UInt8])] = [:]
        var cuts = 0
        /// What the targets send may pass at this rate, over all connections together.
        var bytesASecond: Int?
        /// When the next bytes may pass at that rate.
        var nextPass = ContinuousClock.now
        var isStopped = false
    }

    private let listener: CInt
    private let state: Mutex<State>
    /// What the targets send may pass.
    private let isOpen: Condition
    private let isStopped: Condition

    /// - Parameters:
    ///   - targets: taken in turn.
    ///   - greeting: what every client is sent in place of a server's replies.
    init(to targets: [Endpoint], greeting: [UInt8]? = nil) throws {
        endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        state = Mutex(State(targets: targets, greeting: greeting))
        isOpen = try Condition(holds: true)
        isStopped = try Condition(holds: false)
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        onOwnThread { [self] in acceptAll() }
    }

    /// Connections taken so far.
    var accepted: Int { state.withLock { $0.accepted } }

    /// Relays new connections there; those that are open stay where they are.
    func retarget(_ targets: [Endpoint]) { state.withLock { $0.targets = targets } }

    /// Ends every connection that is open; new ones are relayed.
    func cutAll() {
        state.withLock { state in
            for pair in state.pairs {
                shutdown(pair.client, CInt(SHUT_RDWR))
                if pair.server >= 0 { shutdown(pair.server, CInt(SHUT_RDWR)) }
            }
        }
    }

    /// Answers new connections with these bytes, or relays them.
    func setGreeting(_ bytes: [UInt8]?) { state.withLock { $0.greeting = bytes } }

    /// Ends connections between a request and its reply: once the target has answered, so that it has surely carried the
    /// request out.
    struct ReplyCut {
        /// What a request has to hold, in one piece, to lose its reply.
        var marker: [UInt8]
        /// How much of the reply passes.
        var passingBytes = 0
        /// What the client gets in place of the rest.
        var ending: [UInt8] = []
        /// After so many it is over.
        var limit = Int.max
        /// Whether the target does not even get the request.
        var isBeforeTarget = false
    }

    /// Cuts what the next requests with a mark are answered, or nothing any more.
    func cutReplies(_ cut: ReplyCut?) {
        state.withLock { state in
            state.cut = cut
            state.cuts = 0
        }
    }

    /// How many replies have been cut since the last order.
    var cuts: Int { state.withLock { $0.cuts } }

    /// Keeps back what the targets send, on connections that stay open: to a replica its master goes on, and is not heard.
    func hold() {
        state.withLock { state in
            guard !state.isHeld, !state.isStopped else { return }
            state.isHeld = true
            isOpen.end()
        }
    }

    /// Lets go what was kept back, and what follows it.
    func release() { state.withLock { release(&$0) } }

    private func release(_ state: inout State) {
        guard state.isHeld else { return }
        state.isHeld = false
        isOpen.begin()
    }

    /// Has what the targets send come later by this much, or up to twice as much where it comes without a break.
    func delay(byMilliseconds milliseconds: Int) { state.withLock { $0.delayMilliseconds = milliseconds } }

    /// Has the replies to requests that hold the marker come later: the target has carried those out by then. What it is sent
    /// meanwhile it gets at once.
    func pauseReplies(to marker: [UInt8], byMilliseconds milliseconds: Int) {
        state.withLock { $0.pause = (marker, milliseconds) }
    }

    /// How many replies have come later.
    var pauses: Int { state.withLock { $0.pauses } }

    /// Lets what the targets send pass only so fast, over all connections together, as one wire does; `nil` for no bound.
    func limit(toBytesASecond rate: Int?) { state.withLock { $0.bytesASecond = rate } }

    /// Sends bytes to every client that is connected.
    func inject(_ bytes: [UInt8]) {
        state.withLock { state in
            for pair in state.pairs { _ = send(pair.client, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
        }
    }

    func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            isStopped.begin()
            release(&state)
            shutdown(listener, CInt(SHUT_RDWR))
            for pair in state.pairs {
                shutdown(pair.client, CInt(SHUT_RDWR))
                if pair.server >= 0 { shutdown(pair.server, CInt(SHUT_RDWR)) }
            }
        }
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            let (target, greeting) = state.withLock { state -> (Endpoint?, [UInt8]?) in
                state.accepted += 1
                state.turn += 1
                let target = state.targets.isEmpty ? nil : state.targets[state.turn % state.targets.count]
                return (target, state.greeting)
            }
            if let greeting {
                open(client, -1)
                _ = send(client, greeting, greeting.count, CInt(MSG_NOSIGNAL))
                onOwnThread { [self] in
                    drain(client)
                    close(client, -1)
                }
                continue
            }
            let server = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard let target, (try? target.withSocketAddress { connect(server, $0, $1) }) == 0 else {
                Glibc.close(server)
                Glibc.close(client)
                continue
            }
            open(client, server)
            let both = Both()
            for (source, sink) in [(client, server), (server, client)] {
                onOwnThread { [self] in
                    relay(from: source, to: sink, isAnswer: source == server, client: client)
                    if both.endOne() { close(client, server) }
                }
            }
        }
        Glibc.close(listener)
    }

    private final class Both: Sendable {
        private let ended = Mutex(0)

        /// Whether this was the second end.
        func endOne() -> Bool {
            ended.withLock {
                $0 += 1
                return $0 == 2
            }
        }
    }

    private func open(_ client: CInt, _ server: CInt) {
        state.withLock { state in
            state.pairs.append((client, server))
            if state.isStopped { shutdown(client, CInt(SHUT_RDWR)) }
        }
    }

    private func close(_ client: CInt, _ server: CInt) {
        state.withLock { state in
            state.pairs.removeAll { $0.client == client }
            state.cutting[client] = nil
            state.pausing.remove(client)
            Glibc.close(client)
            if server >= 0 { Glibc.close(server) }
        }
    }

    private func relay(from source: CInt, to sink: CInt, isAnswer: Bool, client: CInt) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        reading: while case var count = recv(source, &chunk, chunk.count, 0), count > 0 {
            if isAnswer { keepBack(from: client) }
            if !isAnswer, !passes(chunk[..<count], of: client) { break reading }
            let passing = isAnswer ? passing(count, to: client) : nil
            if let passing { count = passing }
            if isAnswer, state.withLock({ $0.bytesASecond }) != nil {
                guard pass(chunk[..<count], to: sink) else { break reading }
                continue reading
            }
            var sent = 0
            while sent < count {
                let written = chunk.withUnsafeBytes { bytes in
                    send(sink, bytes.baseAddress?.advanced(by: sent), count - sent, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { break reading }
                sent += written
            }
            if passing != nil {
                sendEnding(to: client)
                break reading
            }
        }
        shutdown(source, CInt(SHUT_RDWR))
        shutdown(sink, CInt(SHUT_RDWR))
    }

    /// Marks the connection if this request is to lose its reply.
    ///
    /// - Returns: whether the target gets it.
    private func passes(_ request: ArraySlice<UInt8>, of client: CInt) -> Bool {
        state.withLock { state in
            if let pause = state.pause, request.holds(pause.marker) { state.pausing.insert(client) }
            guard let cut = state.cut, state.cuts < cut.limit, state.cutting[client] == nil,
                request.holds(cut.marker)
            else { return true }
            state.cuts += 1
            state.cutting[client] = (cut.passingBytes, cut.ending)
            return !cut.isBeforeTarget
        }
    }

    /// - Returns: how many of the bytes pass before the connection ends; `nil` where all do and it goes on.
    private func passing(_ count: Int, to client: CInt) -> Int? {
        state.withLock { state in
            guard let left = state.cutting[client]?.left else { return nil }
            if count < left {
                state.cutting[client]?.left = left - count
                return nil
            }
            return left
        }
    }

    private func sendEnding(to client: CInt) {
        let ending = state.withLock { $0.cutting[client]?.ending ?? [] }
        if !ending.isEmpty { _ = send(client, ending, ending.count, CInt(MSG_NOSIGNAL)) }
    }

    /// Takes as long as what the targets send is to be kept back, or until the proxy stops.
    private func keepBack(from client: CInt) {
        let delay = state.withLock { state in
            guard let pause = state.pause, state.pausing.remove(client) != nil else { return state.delayMilliseconds }
            state.pauses += 1
            return state.delayMilliseconds + pause.milliseconds
        }
        if delay > 0 { isStopped.wait(milliseconds: CInt(delay)) }
        isOpen.wait(milliseconds: 60_000)
    }

    /// Sends bytes at the rate that is set, a hundredth of a second's at a time.
    private func pass(_ bytes: ArraySlice<UInt8>, to sink: CInt) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let (count, due) = state.withLock { state -> (Int, ContinuousClock.Instant) in
                guard let rate = state.bytesASecond else { return (rest.count, .now) }
                let count = min(rest.count, max(1, rate / 100))
                let due = max(state.nextPass, .now)
                state.nextPass = due + .seconds(1) * count / rate
                return (count, due)
            }
            let milliseconds = (due - .now) / .milliseconds(1)
            if milliseconds >= 1 { isStopped.wait(milliseconds: CInt(clamping: Int(milliseconds))) }
            var sent = 0
            while sent < count {
                let written = rest.prefix(count).dropFirst(sent).withUnsafeBytes {
                    send(sink, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { return false }
                sent += written
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func drain(_ client: CInt) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while recv(client, &chunk, chunk.count, 0) > 0 {}
    }
}

/// Something that threads wait for: a pipe with a byte in it for as long as it holds.
private final class Condition: Sendable {
    private let reader: CInt
    private let writer: CInt

    init(holds: Bool) throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reader, writer) = (ends[0], ends[1])
        if holds { begin() }
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Only where it does not hold.
    func begin() {
        var byte: UInt8 = 0
        precondition(write(writer, &byte, 1) == 1, "the proxy's pipe is full")
    }

    /// Only where it holds.
    func end() {
        var byte: UInt8 = 0
        precondition(read(reader, &byte, 1) == 1, "the proxy's pipe is empty")
    }

    /// Returns once it holds, or when the time is over.
    func wait(milliseconds: CInt) {
        var entry = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, milliseconds)
    }
}

/// Runs a proxy beside `body`, and stops it however `body` ends.
func withLoopbackProxy<Value>(
    to targets: [Endpoint], greeting: [UInt8]? = nil, _ body: (LoopbackProxy) async throws -> Value
) async throws -> Value {
    let proxy = try LoopbackProxy(to: targets, greeting: greeting)
    defer { proxy.stop() }
    return try await body(proxy)
}

extension ArraySlice<UInt8> {
    /// Whether `bytes`, at least one, occur in it.
    fileprivate func holds(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, count >= bytes.count else { return false }
        for start in startIndex...(endIndex - bytes.count)
        where self[start] == first && self[start...].starts(with: bytes) {
            return true
        }
        return false
    }
}
