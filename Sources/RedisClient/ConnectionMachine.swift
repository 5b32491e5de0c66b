/// The life of one connection to one server, as a value: events go in, one action comes out, no socket inside.
///
/// ```
/// idle ─start─▶ connecting ─connected─▶ handshaking ─handshakeSucceeded─▶ ready
///                 ▲    │                     │                             │ │
///    backoffElapsed    connectFailed      disconnected          disconnected shutDown, commands in flight
///                 │    ▼                     ▼                             │ ▼
///                backingOff ◀───────────────────────────────────────────────  draining ─drained, disconnected─▶ closed
/// ```
/// `shutDown` in any other state leads to `closed`, where every event is answered by nothing, or by closing a channel
/// that arrived too late.
struct ConnectionMachine: Equatable {
    enum State: Equatable {
        case idle
        /// A connect is under way, after so many failures in a row.
        case connecting(failures: Int)
        /// Connected; AUTH and the first INFO are under way.
        case handshaking(failures: Int)
        /// Serves commands.
        case ready
        /// Waits before the next connect.
        case backingOff(failures: Int)
        /// Takes no more commands, waits for the replies that are owed.
        case draining
        case closed
    }

    enum Action: Equatable {
        case none
        case connect
        case sendHandshake
        /// Fail what is in flight, then connect again after `Backoff.delay(afterFailures:)`.
        case reconnect(afterFailures: Int)
        case cancelReconnect
        case closeChannel
    }

    private(set) var state: State

    init(_ state: State = .idle) { self.state = state }

    mutating func start() -> Action {
        switch state {
        case .idle:
            state = .connecting(failures: 0)
            return .connect
        case .connecting, .handshaking, .ready, .backingOff, .draining, .closed: return .none
        }
    }

    mutating func connected() -> Action {
        switch state {
        case .connecting(let failures):
            state = .handshaking(failures: failures)
            return .sendHandshake
        // Shut down while the connect was under way: the channel is not wanted any more.
        case .idle, .handshaking, .ready, .backingOff, .draining, .closed: return .closeChannel
        }
    }

    mutating func connectFailed() -> Action {
        switch state {
        case .connecting(let failures):
            state = .backingOff(failures: failures + 1)
            return .reconnect(afterFailures: failures + 1)
        case .idle, .handshaking, .ready, .backingOff, .draining, .closed: return .none
        }
    }

    mutating func handshakeSucceeded() -> Action {
        switch state {
        case .handshaking:
            state = .ready
            return .none
        case .idle, .connecting, .ready, .backingOff, .draining, .closed: return .none
        }
    }

    /// The server refused AUTH or INFO, or gave an answer that cannot be read.
    mutating func handshakeFailed() -> Action {
        switch state {
        case .handshaking: return .closeChannel
        case .idle, .connecting, .ready, .backingOff, .draining, .closed: return .none
        }
    }

    /// The channel is gone, whoever closed it.
    mutating func disconnected() -> Action {
        switch state {
        case .handshaking(let failures):
            state = .backingOff(failures: failures + 1)
            return .reconnect(afterFailures: failures + 1)
        case .ready:
            state = .backingOff(failures: 1)
            return .reconnect(afterFailures: 1)
        case .draining:
            state = .closed
            return .none
        case .idle, .connecting, .backingOff, .closed: return .none
        }
    }

    mutating func backoffElapsed() -> Action {
        switch state {
        case .backingOff(let failures):
            state = .connecting(failures: failures)
            return .connect
        case .idle, .connecting, .handshaking, .ready, .draining, .closed: return .none
        }
    }

    /// - Parameter commandsInFlight: whether replies are owed to somebody; they are waited for.
    mutating func shutDown(commandsInFlight: Bool) -> Action {
        switch state {
        case .ready where commandsInFlight:
            state = .draining
            return .none
        case .ready, .handshaking:
            state = .closed
            return .closeChannel
        case .backingOff:
            state = .closed
            return .cancelReconnect
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
        case .idle, .connecting, .handshaking, .ready, .backingOff, .closed: return .none
        }
    }
}
