import NIOCore
import RedisClient

/// Resolves one name repeatedly; a result that is too late for one observation is used by the next.
///
/// Lives on its event loop.
final class NameWatch {
    /// After this, an observation goes on without the addresses.
    static let patience: Duration = .seconds(2)

    let host: String
    private let eventLoop: any EventLoop
    private let names: NameLookUp
    /// The result of a look-up that took too long for the observation that began it.
    private var lateOutcome: NameLookUp.Outcome?

    init(_ host: String, eventLoop: any EventLoop) {
        self.host = host
        self.eventLoop = eventLoop
        self.names = NameLookUp(eventLoop: eventLoop)
    }

    /// - Parameter completion: the addresses, or why there are none, in words.
    func resolve(_ completion: @escaping (Result<[String], Unresolved>) -> Void) {
        if RedisTLS.isAddress(host) { return completion(.success([host])) }
        if let late = lateOutcome {
            lateOutcome = nil
            return completion(Self.result(late))
        }
        // Still the one before.
        guard !names.isUnderWay else { return completion(.failure(.silent)) }
        var isOver = false
        let patience = eventLoop.assumeIsolated().scheduleTask(in: .init(Self.patience)) {
            isOver = true
            completion(.failure(.silent))
        }
        names.addresses(of: host) { outcome in
            patience.cancel()
            if isOver { self.lateOutcome = outcome } else { completion(Self.result(outcome)) }
        }
    }

    private static func result(_ outcome: NameLookUp.Outcome) -> Result<[String], Unresolved> {
        outcome.mapError { Unresolved(reason: $0.reason) }
    }

    struct Unresolved: Error {
        let reason: String

        static let silent = Unresolved(reason: "the name server does not answer")
    }
}
