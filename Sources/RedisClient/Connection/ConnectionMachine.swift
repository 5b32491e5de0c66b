/// The life of one connection to one server, as a value: events go in, one action comes out, no socket inside.
///
/// ```
/// idle ─start─▶ connecting ─connected─▶ handshaking ─handshakeSucceeded─▶ ready, or misplaced
///
/// connecting ─connectFailed─▶ backingOff ◀─disconnected─ handshaking, ready, misplaced
/// backingOff ─backoffElapsed─▶ connecting
///
/// ready ─writeRefused, roleSeen─▶ leaving ◀─backoffElapsed─ misplaced        leaving ─disconnected─▶ connecting
/// ready ◀─roleSeen─ misplaced
///
/// ready ─displaced─▶ replacing ─handshakeSucceeded─▶ ready, or misplaced      replacing ─disconnected─▶ backingOff
/// ```
/// A connection that wants a master and finds a replica is `misplaced`: it serves reads, and after a wait it is dropped and
/// made again, since the name may lead elsewhere by then. `leaving` is the state until then: no more commands are taken, and
/// those that are owed a reply get it before the channel closes.
///
/// `replacing` has given up its channel for a large reply, and opens another one; commands are taken meanwhile, and sent once it
/// is ready.
///
/// `shutDown` leads from `ready`, `misplaced` and `leaving` to `draining` while replies are owed, and then, or from any
/// other state at once, to `closed`, where every event is answered by nothing, or by closing a channel that arrived too
/// late.
struct ConnectionMachine: Equatable {
    enum State: Equatable {
        case idle
        /// A connect is under way, after so many failures in a row.
        case connecting(failures: Int)
        /// Connected; AUTH and the first INFO are under way.
        case handshaking(failures: Int)
        /// Serves commands.
        case ready
        /// Serves reads; looks for the master again after a wait.
        case misplaced(failures: Int)
        /// Takes no more commands, waits for the replies that are owed, then connects again.
        case leaving(failures: Int)
        /// Takes commands for a channel that is being opened in place of the last one.
        case replacing
        /// Waits before the next connect.
        case backingOff(failures: Int)
        /// Takes no more commands, waits for the replies that are owed, then is closed for good.
        case draining
        case closed
    }

    enum Action: Equatable {
        case none
        case connect
        case sendHandshake
        /// Fail what is in flight, then connect again after `Backoff.delay(afterFailures:)`.
        case reconnect(afterFailures: Int)
        /// Serve on, and call ``backoffElapsed(commandsInFlight:)`` after `Backoff.delay(afterFailures:)`.
        case lookAgain(afterFailures: Int)
        case cancelTimer
        case closeChannel
    }

    private(set) var state: State

    init(_ state: State = .idle) { self.state = state }

    mutating func start() -> Action {
        switch state {
        case .idle:
            state = .connecting(failures: 0)
            return .connect
        case .connecting, .handshaking, .ready, .misplaced, .leaving, .replacing, .backingOff, .draining, .closed:
            return .none
        }
    }

    mutating func connected() -> Action {
        switch state {
        case .connecting(let failures):
            state = .handshaking(failures: failures)
            return .sendHandshake
        case .replacing: return .sendHandshake
        // Shut down while the connect was under way: the channel is not wanted any more.
        case .idle, .handshaking, .ready, .misplaced, .leaving, .backingOff, .draining, .closed: return .closeChannel
        }
    }

    mutating func connectFailed() -> Action {
        switch state {
        case .connecting(let failures):
            state = .backingOff(failures: failures + 1)
            return .reconnect(afterFailures: failures + 1)
        case .replacing:
            state = .backingOff(failures: 1)
            return .reconnect(afterFailures: 1)
        case .idle, .handshaking, .ready, .misplaced, .leaving, .backingOff, .draining, .closed: return .none
        }
    }

    /// - Parameter isMisplaced: whether the server has another role than the one that is wanted.
    mutating func handshakeSucceeded(isMisplaced: Bool) -> Action {
        switch state {
        case .handshaking(let failures) where isMisplaced:
            state = .misplaced(failures: failures + 1)
            return .lookAgain(afterFailures: failures + 1)
        case .replacing where isMisplaced:
            state = .misplaced(failures: 1)
            return .lookAgain(afterFailures: 1)
        case .handshaking, .replacing:
            state = .ready
            return .none
        case .idle, .connecting, .ready, .misplaced, .leaving, .backingOff, .draining, .closed: return .none
        }
    }

    /// The server refused AUTH or INFO, or gave an answer that cannot be read.
    mutating func handshakeFailed() -> Action {
        switch state {
        case .handshaking, .replacing: return .closeChannel
        case .idle, .connecting, .ready, .misplaced, .leaving, .backingOff, .draining, .closed: return .none
        }
    }

    /// The server has said again which role it has.
    mutating func roleSeen(isMisplaced: Bool, commandsInFlight: Bool) -> Action {
        switch state {
        case .ready where isMisplaced: return leave(failures: 0, commandsInFlight: commandsInFlight)
        case .misplaced where !isMisplaced:
            state = .ready
            return .cancelTimer
        case .idle, .connecting, .handshaking, .ready, .misplaced, .leaving, .replacing, .backingOff, .draining,
            .closed:
            return .none
        }
    }

    /// The server has answered a write with -READONLY, or another one is known to be the master.
    mutating func writeRefused(commandsInFlight: Bool) -> Action {
        switch state {
        case .ready: return leave(failures: 0, commandsInFlight: commandsInFlight)
        case .idle, .connecting, .handshaking, .misplaced, .leaving, .replacing, .backingOff, .draining, .closed:
            return .none
        }
    }

    /// The channel is given up for a large reply; all that waited on it may be asked once more.
    ///
    /// - Returns: ``Action/none`` where that ends the connection, as its channel's end does.
    mutating func displaced() -> Action {
        switch state {
        case .ready:
            state = .replacing
            return .connect
        case .idle, .connecting, .handshaking, .misplaced, .leaving, .replacing, .backingOff, .draining, .closed:
            return .none
        }
    }

    private mutating func leave(failures: Int, commandsInFlight: Bool) -> Action {
        state = .leaving(failures: failures)
        return commandsInFlight ? .none : .closeChannel
    }

    /// The channel is gone, whichever side closed it.
    mutating func disconnected() -> Action {
        switch state {
        case .handshaking(let failures):
            state = .backingOff(failures: failures + 1)
            return .reconnect(afterFailures: failures + 1)
        case .ready, .replacing:
            state = .backingOff(failures: 1)
            return .reconnect(afterFailures: 1)
        case .misplaced(let failures):
            state = .backingOff(failures: failures)
            return .reconnect(afterFailures: failures)
        case .leaving(let failures):
            state = .connecting(failures: failures)
            return .connect
        case .draining:
            state = .closed
            return .none
        case .idle, .connecting, .backingOff, .closed: return .none
        }
    }

    mutating func backoffElapsed(commandsInFlight: Bool) -> Action {
        switch state {
        case .backingOff(let failures):
            state = .connecting(failures: failures)
            return .connect
        case .misplaced(let failures): return leave(failures: failures, commandsInFlight: commandsInFlight)
        case .idle, .connecting, .handshaking, .ready, .leaving, .replacing, .draining, .closed: return .none
        }
    }

    /// - Parameter commandsInFlight: whether replies are still outstanding; they are waited for.
    mutating func shutDown(commandsInFlight: Bool) -> Action {
        switch state {
        case .ready where commandsInFlight, .leaving where commandsInFlight:
            state = .draining
            return .none
        case .misplaced where commandsInFlight:
            state = .draining
            return .cancelTimer
        case .ready, .misplaced, .leaving, .handshaking, .replacing:
            state = .closed
            return .closeChannel
        case .backingOff:
            state = .closed
            return .cancelTimer
        case .idle, .connecting:
            state = .closed
            return .none
        case .draining, .closed: return .none
        }
    }

    /// The last reply that was owed has come.
    mutating func drained() -> Action {
        switch state {
        case .draining:
            state = .closed
            return .closeChannel
        case .leaving: return .closeChannel
        case .idle, .connecting, .handshaking, .ready, .misplaced, .replacing, .backingOff, .closed: return .none
        }
    }
}
