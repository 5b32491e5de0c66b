import Testing

@testable import KeyValueService

@Suite("The state of a client's connection")
struct ConnectionStateTests {
    private typealias Phase = ConnectionState.Phase

    private enum Event: CaseIterable {
        case headBegan, headEndedWithBody, headEnded, continueOwed, continueOwedNoMore, bodyEnded, answeredLast,
            flushed, closed

        func happen(to state: inout ConnectionState) {
            switch self {
            case .headBegan: _ = state.headBegan()
            case .headEndedWithBody: state.headEnded(hasBody: true)
            case .headEnded: state.headEnded(hasBody: false)
            case .continueOwed: state.continueIsOwed()
            case .continueOwedNoMore: state.continueIsOwedNoMore()
            case .bodyEnded: _ = state.bodyEnded()
            case .answeredLast: state.answeredLast()
            case .flushed: _ = state.flushedLast()
            case .closed: _ = state.closed()
            }
        }
    }

    /// Each phase, with events that lead there from the start.
    private static let phases: [(phase: Phase, way: [Event])] = [
        (.open(.between), []), (.open(.head), [.headBegan]), (.open(.body), [.headEndedWithBody]),
        (.open(.bodyAwaited), [.headEndedWithBody, .continueOwed]), (.finishing, [.answeredLast]),
        (.lingering, [.answeredLast, .flushed]), (.closed, [.closed]),
    ]

    /// What each event makes of each phase, in the order of ``phases``; `nil`: nothing.
    private static let table: [(event: Event, phases: [Phase?])] = [
        (.headBegan, [.open(.head), nil, nil, nil, nil, nil, nil]),
        (.headEndedWithBody, [.open(.body), .open(.body), nil, nil, nil, nil, nil]),
        (.headEnded, [nil, .open(.between), nil, nil, nil, nil, nil]),
        (.continueOwed, [nil, nil, .open(.bodyAwaited), nil, nil, nil, nil]),
        (.continueOwedNoMore, [nil, nil, nil, .open(.body), nil, nil, nil]),
        (.bodyEnded, [nil, nil, .open(.between), .open(.between), nil, nil, nil]),
        (.answeredLast, [.finishing, .finishing, .finishing, .finishing, nil, nil, nil]),
        (.flushed, [nil, nil, nil, nil, .lingering, nil, nil]),
        (.closed, [.closed, .closed, .closed, .closed, .closed, .closed, nil]),
    ]

    @Test("every event in every phase")
    func everyEvent() {
        #expect(Self.table.map(\.event) == Event.allCases)
        for (event, expected) in Self.table {
            for (from, to) in zip(Self.phases, expected) {
                var state = ConnectionState()
                for step in from.way { step.happen(to: &state) }
                #expect(state.phase == from.phase)
                event.happen(to: &state)
                #expect(state.phase == to ?? from.phase, "\(event) in \(from.phase)")
            }
        }
    }

    @Test("tells its first event from those that change nothing")
    func answers() {
        var state = ConnectionState()
        let began = [state.headBegan(), state.headBegan()]
        #expect(began == [true, false])
        state.headEnded(hasBody: true)
        let ended = [state.bodyEnded(), state.bodyEnded()]
        #expect(ended == [true, false])
        let early = state.flushedLast()
        state.answeredLast()
        let flushed = [early, state.flushedLast(), state.flushedLast()]
        #expect(flushed == [false, true, false])
        let closed = [state.closed(), state.closed()]
        #expect(closed == [true, false])
    }

    /// With one hold set: whether a head is looked at, a body is looked at, and the socket is read in either case.
    private static let holds: [(ConnectionState.Holds, head: Bool, body: Bool, readsHead: Bool, readsBody: Bool)] = [
        ([], true, true, true, true), (.yielding, false, false, false, false), (.exclusive, false, true, false, true),
        (.noMore, false, true, false, true), (.unwritable, false, true, false, false),
        (.paused, false, true, false, false), (.bodyFull, true, true, false, false),
    ]

    @Test("a hold keeps back what it is for")
    func everyHold() {
        for (hold, head, body, readsHead, readsBody) in Self.holds {
            var state = ConnectionState()
            state.set(hold, true)
            #expect(state.mayDecode(hasRoom: true) == head, "\(hold)")
            #expect(!state.mayDecode(hasRoom: false))
            #expect(state.mayRead(hasRoom: true) == readsHead, "\(hold)")
            #expect(!state.mayRead(hasRoom: false))
            state.headEnded(hasBody: true)
            // A body needs no room among the requests: it belongs to one of them.
            #expect(state.mayDecode(hasRoom: false) == body, "\(hold)")
            #expect(state.mayRead(hasRoom: false) == readsBody, "\(hold)")
            state.answeredLast()
            #expect(!state.mayDecode(hasRoom: true))
            #expect(state.mayRead(hasRoom: false), "what still comes is read, so that the client's end is seen")
        }
    }

    @Test("holds are set and taken away one by one")
    func independentHolds() {
        var state = ConnectionState()
        state.set(.paused, true)
        state.set(.exclusive, true)
        state.set(.paused, false)
        #expect(state.holds == .exclusive)
        state.set(.exclusive, false)
        #expect(state == ConnectionState())
    }
}
