/// What the log last said about doubts which server is the master, so that each is logged once.
struct DoubtLog {
    enum Line: Equatable {
        case begins(String)
        case ends
    }

    private var number = 0
    private var doubt: String?

    /// Event loops log their decisions at the same time: one that comes after a newer one says nothing. A doubt lasts while
    /// writes wait: nothing is certain until one server is the master.
    mutating func line(for decision: ServerSelector.Decision) -> Line? {
        guard decision.number >= number else { return nil }
        number = decision.number
        if let doubt = decision.doubt {
            guard doubt != self.doubt else { return nil }
            self.doubt = doubt
            return .begins(doubt)
        }
        guard doubt != nil, !decision.holdsWrites else { return nil }
        doubt = nil
        return .ends
    }
}
