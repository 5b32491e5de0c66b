import HTTPWire
import NIOCore
import RedisClient
import Telemetry

/// What one event loop counts of its requests: plain numbers, without a lock. Lives on its loop; not `Sendable`.
final class RequestCounters {
    /// A number for each route, method and status there can be.
    private let answers: Tallies
    /// A histogram for each route and role.
    private let durations: DurationRecorder
    /// From a status to its place among all, less 200.
    private let places: [UInt8]
    // Kept, for what lists all cases makes an array.
    private let routes = Route.allCases.count
    private let methods = RequestMethod.allCases.count
    private let statuses = ResponseStatus.allCases.count
    private let roles = AskedRole.allCases.count

    init() {
        var places = [UInt8](repeating: 0, count: 400)
        for (place, status) in ResponseStatus.allCases.enumerated() {
            places[status.rawValue - 200] = UInt8(place)
        }
        self.places = places
        // The last place is that of no route.
        answers = Tallies(count: (routes + 1) * methods * statuses)
        durations = DurationRecorder(histograms: (routes + 1) * roles)
    }

    /// Counts an answer.
    func count(_ handler: RequestHandler, _ status: ResponseStatus, _ duration: TimeAmount) {
        let route = handler.route.map { Int($0.rawValue) } ?? routes
        let group = route &* methods &+ Int(handler.method.rawValue)
        answers.add(1, at: group &* statuses &+ Int(places[status.rawValue &- 200]))
        durations.record(duration, in: route &* roles &+ Int(handler.askedRole.rawValue))
    }

    /// Answers by a replica that had lost its master.
    var staleAnswers = 0

    /// What concerns keys, in sums.
    var load: RequestLoad {
        var load = RequestLoad()
        load.stale = staleAnswers
        let statistics = statistics
        statistics.forEachAnswer { route, method, status, count in
            switch (route, method) {
            case (.get, _), (.keys, _), (.demo, _), (.key, .get), (.key, .head): load.reads += count
            case (.set, _), (.batch, _), (.key, _): load.writes += count
            default: return
            }
            if status.rawValue >= 500 { load.errors += count }
        }
        statistics.forEachDuration { route, _, histogram in
            switch route {
            case .get, .keys, .demo, .key, .set, .batch: load.durations = load.durations + histogram
            default: break
            }
        }
        return load
    }

    var statistics: RequestStatistics {
        RequestStatistics(answers: answers.copy, durations: durations.histograms)
    }
}

/// What event loops have counted of their requests, as a value.
struct RequestStatistics: Sendable {
    private var answers: [Int]
    private var durations: [DurationHistogram]

    fileprivate init(answers: [Int], durations: [DurationHistogram]) {
        self.answers = answers
        self.durations = durations
    }

    mutating func merge(_ other: RequestStatistics) {
        answers = zip(answers, other.answers).map { $0 + $1 }
        durations = zip(durations, other.durations).map { $0 + $1 }
    }

    /// Calls `body` with every kind of answer that was given.
    func forEachAnswer(_ body: (Route?, RequestMethod, ResponseStatus, _ count: Int) -> Void) {
        var rest = answers[...]
        for route in Route.allWithNone {
            for method in RequestMethod.allCases {
                for status in ResponseStatus.allCases {
                    guard let count = rest.popFirst(), count > 0 else { continue }
                    body(route, method, status, count)
                }
            }
        }
    }

    /// Calls `body` with every histogram that has something in it.
    func forEachDuration(_ body: (Route?, AskedRole, DurationHistogram) -> Void) {
        var rest = durations[...]
        for route in Route.allWithNone {
            for role in AskedRole.allCases {
                guard let histogram = rest.popFirst(), histogram.count > 0 else { continue }
                body(route, role, histogram)
            }
        }
    }
}

extension Route {
    /// In the order of their places.
    fileprivate static var allWithNone: [Route?] { allCases + [nil] }
}
