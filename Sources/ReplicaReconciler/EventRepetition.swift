/// At what level an event is logged, as a value: once, and not again at each attempt of a change that the server refuses.
///
/// Such a change is tried every few seconds for as long as it is asked for. What was told with the same words less than
/// ``interval`` ago is for debugging then. Once a change is performed everything is news again.
///
/// Times are those of the reconciler.
public struct EventRepetition: Sendable {
    /// How long the same words are not logged again.
    public static let interval: Duration = .seconds(300)

    /// The lines of one attempt.
    private enum Topic { case waits, performs, failed }

    private var told: [Topic: (words: String, at: Duration)] = [:]

    public init() {}

    /// An event is about to be logged.
    public mutating func severity(of event: Reconciler.Event, at now: Duration) -> Reconciler.Event.Severity {
        let topic: Topic
        var words = "\(event)"
        switch event {
        case .waits(let change, _):
            topic = .waits
            // The seconds that are left are not.
            words = "\(change)"
        case .performs: topic = .performs
        case .failed: topic = .failed
        case .performed:
            told = [:]
            return event.severity
        case .suspects, .held, .released, .confirmed, .rehearsed, .movedByHand, .emptied, .lossAcknowledged, .alarm,
            .alarmOver, .copiesFail, .copiesWork, .commandsMissing:
            return event.severity
        }
        if let last = told[topic], last.words == words, now < last.at + Self.interval { return .debug }
        told[topic] = (words, now)
        return event.severity
    }
}
