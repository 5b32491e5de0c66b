import Testing

@testable import RedisClient

@Suite("The life of a connection")
struct ConnectionMachineTests {
    typealias State = ConnectionMachine.State
    typealias Action = ConnectionMachine.Action

    enum Event: CaseIterable {
        case start, connected, connectFailed, handshakeSucceeded, handshakeFoundReplica, handshakeFailed
        case masterSeenIdle, masterSeenBusy, replicaSeenIdle, replicaSeenBusy, writeRefusedIdle, writeRefusedBusy
        case disconnected, displaced, backoffElapsedIdle, backoffElapsedBusy, shutDownIdle, shutDownBusy, drained
    }

    static let states: [State] = [
        .idle, .connecting(failures: 2), .handshaking(failures: 2), .ready, .misplaced(failures: 2),
        .leaving(failures: 2), .replacing, .backingOff(failures: 3), .draining, .closed,
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
        (.handshaking(failures: 2), .handshakeFoundReplica, .lookAgain(afterFailures: 3), .misplaced(failures: 3)),
        (.handshaking(failures: 2), .handshakeFailed, .closeChannel, .handshaking(failures: 2)),
        (.handshaking(failures: 2), .disconnected, .reconnect(afterFailures: 3), .backingOff(failures: 3)),
        (.handshaking(failures: 2), .shutDownIdle, .closeChannel, .closed),
        (.handshaking(failures: 2), .shutDownBusy, .closeChannel, .closed),
        (.ready, .connected, .closeChannel, .ready),
        (.ready, .replicaSeenIdle, .closeChannel, .leaving(failures: 0)),
        (.ready, .replicaSeenBusy, .none, .leaving(failures: 0)),
        (.ready, .writeRefusedIdle, .closeChannel, .leaving(failures: 0)),
        (.ready, .writeRefusedBusy, .none, .leaving(failures: 0)),
        (.ready, .displaced, .connect, .replacing),
        (.replacing, .connected, .sendHandshake, .replacing),
        (.replacing, .connectFailed, .reconnect(afterFailures: 1), .backingOff(failures: 1)),
        (.replacing, .handshakeSucceeded, .none, .ready),
        (.replacing, .handshakeFoundReplica, .lookAgain(afterFailures: 1), .misplaced(failures: 1)),
        (.replacing, .handshakeFailed, .closeChannel, .replacing),
        (.replacing, .disconnected, .reconnect(afterFailures: 1), .backingOff(failures: 1)),
        (.replacing, .shutDownIdle, .closeChannel, .closed),
        (.replacing, .shutDownBusy, .closeChannel, .closed),
        (.ready, .disconnected, .reconnect(afterFailures: 1), .backingOff(failures: 1)),
        (.ready, .shutDownIdle, .closeChannel, .closed),
        (.ready, .shutDownBusy, .none, .draining),
        (.misplaced(failures: 2), .connected, .closeChannel, .misplaced(failures: 2)),
        (.misplaced(failures: 2), .masterSeenIdle, .cancelTimer, .ready),
        (.misplaced(failures: 2), .masterSeenBusy, .cancelTimer, .ready),
        (.misplaced(failures: 2), .disconnected, .reconnect(afterFailures: 2), .backingOff(failures: 2)),
        (.misplaced(failures: 2), .backoffElapsedIdle, .closeChannel, .leaving(failures: 2)),
        (.misplaced(failures: 2), .backoffElapsedBusy, .none, .leaving(failures: 2)),
        (.misplaced(failures: 2), .shutDownIdle, .closeChannel, .closed),
        (.misplaced(failures: 2), .shutDownBusy, .cancelTimer, .draining),
        (.leaving(failures: 2), .connected, .closeChannel, .leaving(failures: 2)),
        (.leaving(failures: 2), .disconnected, .connect, .connecting(failures: 2)),
        (.leaving(failures: 2), .shutDownIdle, .closeChannel, .closed),
        (.leaving(failures: 2), .shutDownBusy, .none, .draining),
        (.leaving(failures: 2), .drained, .closeChannel, .leaving(failures: 2)),
        (.backingOff(failures: 3), .connected, .closeChannel, .backingOff(failures: 3)),
        (.backingOff(failures: 3), .backoffElapsedIdle, .connect, .connecting(failures: 3)),
        (.backingOff(failures: 3), .backoffElapsedBusy, .connect, .connecting(failures: 3)),
        (.backingOff(failures: 3), .shutDownIdle, .cancelTimer, .closed),
        (.backingOff(failures: 3), .shutDownBusy, .cancelTimer, .closed),
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
            (.start, .connect), (.connectFailed, .reconnect(afterFailures: 1)), (.backoffElapsedIdle, .connect),
            (.connectFailed, .reconnect(afterFailures: 2)), (.backoffElapsedIdle, .connect),
            (.connected, .sendHandshake),
            (.disconnected, .reconnect(afterFailures: 3)), (.backoffElapsedIdle, .connect),
            (.connected, .sendHandshake),
            (.handshakeSucceeded, .none), (.disconnected, .reconnect(afterFailures: 1)),
            (.backoffElapsedIdle, .connect),
            (.connected, .sendHandshake), (.handshakeSucceeded, .none), (.shutDownBusy, .none),
            (.drained, .closeChannel),
            (.disconnected, .none),
        ]
        for (event, action) in transcript { #expect(machine.handle(event) == action) }
        #expect(machine.state == .closed)
    }

    @Test func `a master that became a replica is left at once, then looked for with longer and longer waits`() {
        var machine = ConnectionMachine(.ready)
        let transcript: [(Event, Action)] = [
            (.writeRefusedBusy, .none), (.writeRefusedBusy, .none), (.drained, .closeChannel),
            (.disconnected, .connect),
            (.connected, .sendHandshake), (.handshakeFoundReplica, .lookAgain(afterFailures: 1)),
            (.backoffElapsedIdle, .closeChannel), (.disconnected, .connect), (.connected, .sendHandshake),
            (.handshakeFoundReplica, .lookAgain(afterFailures: 2)), (.replicaSeenBusy, .none),
            (.backoffElapsedBusy, .none), (.drained, .closeChannel), (.disconnected, .connect),
            (.connectFailed, .reconnect(afterFailures: 3)), (.backoffElapsedIdle, .connect),
            (.connected, .sendHandshake), (.handshakeSucceeded, .none),
        ]
        for (event, action) in transcript { #expect(machine.handle(event) == action) }
        #expect(machine.state == .ready)
    }

    @Test func `the wait doubles up to its bound, and half of it is jitter`() {
        let backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        #expect(backoff.delay(afterFailures: 1, jitter: 0) == .milliseconds(25))
        #expect(backoff.delay(afterFailures: 1, jitter: 0.5) == .microseconds(37_500))
        #expect(backoff.delay(afterFailures: 4, jitter: 0) == .milliseconds(200))
        #expect(backoff.delay(afterFailures: 1000, jitter: 0) == .seconds(1))
        // A server's return goes unnoticed for less than a second.
        #expect(Backoff().delay(afterFailures: 1000, jitter: 1) == .milliseconds(700))
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
        case .handshakeSucceeded: handshakeSucceeded(isMisplaced: false)
        case .handshakeFoundReplica: handshakeSucceeded(isMisplaced: true)
        case .handshakeFailed: handshakeFailed()
        case .displaced: displaced()
        case .masterSeenIdle: roleSeen(isMisplaced: false, commandsInFlight: false)
        case .masterSeenBusy: roleSeen(isMisplaced: false, commandsInFlight: true)
        case .replicaSeenIdle: roleSeen(isMisplaced: true, commandsInFlight: false)
        case .replicaSeenBusy: roleSeen(isMisplaced: true, commandsInFlight: true)
        case .writeRefusedIdle: writeRefused(commandsInFlight: false)
        case .writeRefusedBusy: writeRefused(commandsInFlight: true)
        case .disconnected: disconnected()
        case .backoffElapsedIdle: backoffElapsed(commandsInFlight: false)
        case .backoffElapsedBusy: backoffElapsed(commandsInFlight: true)
        case .shutDownIdle: shutDown(commandsInFlight: false)
        case .shutDownBusy: shutDown(commandsInFlight: true)
        case .drained: drained()
        }
    }
}
