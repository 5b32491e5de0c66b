/// What a client's connection is at, and whether it may be read from: a value without a socket.
///
/// ```
///            ┌──────────── head ends, no body ───────────┐
///            ▼                                           │
/// open: between ─head begins─▶ head ─head ends─▶ body ─body ends─▶ between
///                                                 │ ▲
///                             100 Continue is owed ▼ │ 100 Continue is sent
///                                            bodyAwaited
/// open ─answered, and it closes─▶ finishing ─flushed─▶ lingering
/// each of them ─closed─▶ closed
/// ```
/// An event that a state does not know leaves it as it is.
struct ConnectionState: Equatable {
    enum Phase: Equatable {
        /// Takes requests.
        case open(Input)
        /// The last answer is being written; what still comes in is not looked at.
        case finishing
        /// The last answer is written and our side is closed; the client may still be sending.
        case lingering
        case closed
    }

    /// What has come of the request that arrives.
    enum Input: Equatable {
        /// Nothing.
        case between
        /// The first bytes of its head, and not the last.
        case head
        /// Its head, and not the end of its body.
        case body
        /// Its head. The client waits for `100 Continue` before it sends the body, and that has to wait for earlier answers.
        case bodyAwaited
    }

    /// Why no further request is looked at, or nothing is read.
    struct Holds: OptionSet {
        let rawValue: UInt8

        /// So many pieces of a body came in one read that the rest of it waits until the others were served.
        static let yielding = Holds(rawValue: 1)
        /// What it takes to answer the last request is much: none behind it is looked at before it is answered.
        static let exclusive = Holds(rawValue: 2)
        /// The answer to the last request closes the connection; no request behind it is taken, so that none is carried out
        /// without an answer.
        static let noMore = Holds(rawValue: 4)
        /// The client does not take what it was sent.
        static let unwritable = Holds(rawValue: 8)
        /// Memory is short, and the client has not taken what it was sent.
        static let paused = Holds(rawValue: 16)
        /// The request whose body comes has no room for more of it.
        static let bodyFull = Holds(rawValue: 32)

        /// What keeps the next request away; a body that comes is taken.
        static let next: Holds = [.exclusive, .noMore, .unwritable, .paused]
        /// What keeps a body away.
        static let reading: Holds = [.unwritable, .paused, .bodyFull]
    }

    private(set) var phase = Phase.open(.between)
    private(set) var holds: Holds = []
    /// The client sends no more.
    private(set) var isInputClosed = false

    @inline(__always)
    var isOpen: Bool { if case .open = phase { true } else { false } }

    /// The last request's body has not come to its end.
    @inline(__always)
    var isReceiving: Bool {
        switch phase {
        case .open(.body), .open(.bodyAwaited): true
        default: false
        }
    }

    var owesContinue: Bool { phase == .open(.bodyAwaited) }

    /// Whether bytes that have come are looked at.
    ///
    /// - Parameter hasRoom: whether one more request may be without an answer.
    @inline(__always)
    func mayDecode(hasRoom: @autoclosure () -> Bool) -> Bool {
        guard isOpen, !holds.contains(.yielding) else { return false }
        return isReceiving || (holds.isDisjoint(with: .next) && hasRoom())
    }

    /// Whether the socket is read. Once nothing is looked at any more it is: so the client's end is seen.
    func mayRead(hasRoom: @autoclosure () -> Bool) -> Bool {
        !isOpen || (holds.isDisjoint(with: .reading) && mayDecode(hasRoom: hasRoom()))
    }

    // MARK: Events

    mutating func set(_ hold: Holds, _ isSet: Bool) {
        if isSet { holds.insert(hold) } else { holds.remove(hold) }
    }

    /// - Returns: whether these are the first bytes of a head.
    mutating func headBegan() -> Bool {
        guard phase == .open(.between) else { return false }
        phase = .open(.head)
        return true
    }

    @inline(__always)
    mutating func headEnded(hasBody: Bool) {
        switch phase {
        case .open(.between), .open(.head): phase = .open(hasBody ? .body : .between)
        case .open(.body), .open(.bodyAwaited), .finishing, .lingering, .closed: break
        }
    }

    mutating func continueIsOwed() { if phase == .open(.body) { phase = .open(.bodyAwaited) } }

    mutating func continueIsOwedNoMore() { if phase == .open(.bodyAwaited) { phase = .open(.body) } }

    /// Its body is whole, or will not be read on.
    ///
    /// - Returns: whether a body was coming.
    mutating func bodyEnded() -> Bool {
        guard isReceiving else { return false }
        phase = .open(.between)
        return true
    }

    /// The answer that closes the connection is written.
    mutating func answeredLast() { if isOpen { phase = .finishing } }

    /// The last answer has left.
    ///
    /// - Returns: whether it was the last one.
    mutating func flushedLast() -> Bool {
        guard phase == .finishing else { return false }
        phase = .lingering
        return true
    }

    mutating func inputClosed() { isInputClosed = true }

    /// - Returns: whether it was not closed before.
    mutating func closed() -> Bool {
        guard phase != .closed else { return false }
        phase = .closed
        return true
    }
}
