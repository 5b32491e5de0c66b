import Testing

@testable import RedisClient

@Suite("The life of a connection")
struct ConnectionMachineTests {
    typealias State = ConnectionMachine.State
    typealias Action = ConnectionMachine.Action

    enum Event: CaseIterable {
        case start, connected, connectFailed, handshakeSucceeded, handshakeFailed, disconnected, backoffElapsed
        case shutDownIdle, shutDownBusy, drained
    }

    static let states: [State] = [
        .idle, .connecting(failures: 2), .handshaking(failures: 2), .ready, .backingOff(failures: 3), .draining,
        .closed,
    ]

    /// Every transition that does something. What is not listed changes nothing and asks for nothing.
    static let transitions: [(State, Event, Action, State)] = [
        (.idle, .start, .connect, .connecting(failures: 0)),
        (.idle, .connected, .closeChannel, .idle),
        (.idle, .shutDownIdle, .none, .closed),
        (.idle, .shutDownBusy, .none, .closed),
        (.connecting(failures: 2), .connected, .sendHandshake, .handshaking(failures: 2)),
        (.connecting(failures: 2), .connectFailed, .reconnect(afterFailures: 3), .backingOff(failures: 3)),
        (.connecting(failures: 2), .shutDownIdle, .none, .closed),
        (.connecting(failures: 2), .shutDownBusy, .none, .closed),
        (.handshaking(failures: 2), .connected, .closeChannel, .handshaking(failures: 2)),
        (.handshaking(failures: 2), .handshakeSucceeded, .none, .ready),
        (.handshaking(failures: 2), .handshakeFailed, .closeChannel, .handshaking(failures: 2)),
        (.handshaking(failures: 2), .disconnected, .reconnect(afterFailures: 3), .backingOff(failures: 3)),
        (.handshaking(failures: 2), .shutDownIdle, .closeChannel, .closed),
        (.handshaking(failures: 2), .shutDownBusy, .closeChannel, .closed),
        (.ready, .connected, .closeChannel, .ready),
        (.ready, .disconnected, .reconnect(afterFailures: 1), .backingOff(failures: 1)),
        (.ready, .shutDownIdle, .closeChannel, .closed),
        (.ready, .shutDownBusy, .none, .draining),
        (.backingOff(failures: 3), .connected, .closeChannel, .backingOff(failures: 3)),
        (.backingOff(failures: 3), .backoffElapsed, .connect, .connecting(failures: 3)),
        (.backingOff(failures: 3), .shutDownIdle, .cancelReconnect, .closed),
        (.backingOff(failures: 3), .shutDownBusy, .cancelReconnect, .closed),
        (.draining, .connected, .closeChannel, .draining),
        (.draining, .disconnected, .none, .closed),
        (.draining, .drained, .closeChannel, .closed),
        (.closed, .connected, .closeChannel, .closed),
    ]

    @Test func `every event in every state does what the table says, and nothing else`() {
        for state in Self.states {
            for event in Event.allCases {
                var machine = ConnectionMachine(state)
                let action = machine.handle(event)
                let expected = Self.transitions.first { $0.0 == state && $0.1 == event }
                #expect(action == expected?.2 ?? .none, "\(event) in \(state)")
                #expect(machine.state == expected?.3 ?? state, "\(event) in \(state)")
            }
        }
    }

    @Test func `a server that comes and goes is found again, and its failures are forgotten once it serves`() {
        var machine = ConnectionMachine()
        let transcript: [(Event, Action)] = [
            (.start, .connect), (.connectFailed, .reconnect(afterFailures: 1)), (.backoffElapsed, .connect),
            (.connectFailed, .reconnect(afterFailures: 2)), (.backoffElapsed, .connect), (.connected, .sendHandshake),
            (.disconnected, .reconnect(afterFailures: 3)), (.backoffElapsed, .connect), (.connected, .sendHandshake),
            (.handshakeSucceeded, .none), (.disconnected, .reconnect(afterFailures: 1)), (.backoffElapsed, .connect),
            (.connected, .sendHandshake), (.handshakeSucceeded, .none), (.shutDownBusy, .none),
            (.drained, .closeChannel),
            (.disconnected, .none),
        ]
        for (event, action) in transcript { #expect(machine.handle(event) == action) }
        #expect(machine.state == .closed)
    }

    @Test func `the wait doubles up to its bound, and half of it is jitter`() {
        let backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        #expect(backoff.delay(afterFailures: 1, jitter: 0) == .milliseconds(25))
        #expect(backoff.delay(afterFailures: 1, jitter: 0.5) == .microseconds(37_500))
        #expect(backoff.delay(afterFailures: 4, jitter: 0) == .milliseconds(200))
        #expect(backoff.delay(afterFailures: 1000, jitter: 0) == .seconds(1))
        for _ in 0..<100 {
            let delay = backoff.delay(afterFailures: 20, jitter: .random(in: 0..<1))
            #expect(delay >= .seconds(1) && delay < .seconds(2))
        }
    }
}

extension ConnectionMachine {
    fileprivate mutating func handle(_ event: ConnectionMachineTests.Event) -> Action {
        switch event {
        case .start: start()
        case .connected: connected()
        case .connectFailed: connectFailed()
        case .handshakeSucceeded: handshakeSucceeded()
        case .handshakeFailed: handshakeFailed()
        case .disconnected: disconnected()
        case .backoffElapsed: backoffElapsed()
        case .shutDownIdle: shutDown(commandsInFlight: false)
        case .shutDownBusy: shutDown(commandsInFlight: true)
        case .drained: drained()
        }
    }
}
