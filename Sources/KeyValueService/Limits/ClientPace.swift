/// How long a client may take for what is its turn, as a value: events go in, and once a second a verdict comes out.
///
/// ```
/// request ─headBegan─▶ head ─requestCame─▶ request, or body ─bodyEnded─▶ request
/// any ─farewellBegan─▶ farewell
/// ```
/// Beside it, and at the same time, the client takes the answers that it was sent.
struct ClientPace: Equatable, Sendable {
    typealias Nanoseconds = TransferMeter.Nanoseconds

    struct Limits: Equatable, Sendable {
        /// How long a connection may be open without a request.
        var idle: Nanoseconds
        /// How long the last bytes of a client may take to be followed by its close.
        var farewell: Nanoseconds
        /// For bodies and answers; a head has to come whole within a window.
        var transfer: TransferMeter.Limits
    }

    private enum Turn: Equatable {
        case request(since: Nanoseconds)
        case head(since: Nanoseconds)
        case body(TransferMeter)
        case farewell(since: Nanoseconds)
    }

    enum Verdict: Equatable {
        case goOn
        /// The request did not arrive in time: it is answered so, and the connection closed.
        case refuse
        case close
    }

    /// What else is known of the connection when it is looked at.
    struct Situation: Equatable {
        /// Requests wait for their answers, which is not the client's fault.
        var owesAnswers = false
        /// We do not read from it.
        var isReadingHeldBack = false
        /// Bytes that the client has taken in all its life; `nil` where nothing waits to be taken.
        var taken: Int?
    }

    private var turn: Turn
    private var received = 0
    private var taking: TransferMeter?

    init(at now: Nanoseconds) { turn = .request(since: now) }

    // MARK: Events

    mutating func headBegan(at now: Nanoseconds) { turn = .head(since: now) }

    mutating func requestCame(hasBody: Bool, at now: Nanoseconds) {
        turn = hasBody ? .body(TransferMeter(at: now, moved: received)) : .request(since: now)
    }

    /// Bytes of a body have come. Its framing does not count: that alone is no progress.
    mutating func received(_ bytes: Int) { received &+= bytes }

    /// The client waited for us with the rest of its body, and does not any more.
    mutating func bodyWasAskedFor(at now: Nanoseconds) {
        if case .body = turn { turn = .body(TransferMeter(at: now, moved: received)) }
    }

    mutating func bodyEnded(at now: Nanoseconds) { turn = .request(since: now) }

    mutating func farewellBegan(at now: Nanoseconds) {
        turn = .farewell(since: now)
        taking = nil
    }

    // MARK: Once a second

    mutating func look(at now: Nanoseconds, _ situation: Situation, _ limits: Limits) -> Verdict {
        if let taken = situation.taken {
            var meter = taking ?? TransferMeter(at: now, moved: taken)
            let isTooSlow = meter.look(at: now, moved: taken, limits.transfer)
            taking = meter
            if isTooSlow { return .close }
        } else {
            taking = nil
        }
        switch turn {
        case .request(let since):
            if situation.owesAnswers || situation.taken != nil {
                turn = .request(since: now)
                return .goOn
            }
            return now &- since >= limits.idle ? .close : .goOn
        case .head(let since):
            if situation.isReadingHeldBack {
                turn = .head(since: now)
                return .goOn
            }
            return now &- since >= limits.transfer.window ? .refuse : .goOn
        case .body(var meter):
            if situation.isReadingHeldBack {
                turn = .body(TransferMeter(at: now, moved: received))
                return .goOn
            }
            let isTooSlow = meter.look(at: now, moved: received, limits.transfer)
            turn = .body(meter)
            return isTooSlow ? .refuse : .goOn
        case .farewell(let since): return now &- since >= limits.farewell ? .close : .goOn
        }
    }

    /// How long the client has been without a request; 0 while one comes or is owed its answer.
    func idleness(at now: Nanoseconds) -> Nanoseconds {
        guard case .request(let since) = turn, taking == nil else { return 0 }
        return now &- since
    }

    /// How long the client has been slower than the minimum rate, in the direction in which it was slow for longer.
    func slowness(at now: Nanoseconds) -> Nanoseconds {
        let sending: Nanoseconds =
            switch turn {
            case .body(let meter): meter.slowness(at: now)
            case .head(let since): now &- since
            case .request, .farewell: 0
            }
        return max(sending, taking?.slowness(at: now) ?? 0)
    }
}
