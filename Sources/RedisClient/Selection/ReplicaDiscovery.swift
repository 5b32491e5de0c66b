package import Logging
import NIOConcurrencyHelpers

/// Finds the servers behind one name or several, again and again: a headless Service gives one address a pod.
package struct ReplicaDiscovery: Sendable {
    /// A server, and the name that led to it.
    public struct Found: Equatable, Sendable {
        public let endpoint: RedisEndpoint
        public let name: String
    }

    /// How many addresses of all names together are used.
    public static let limit = 64

    /// How long to wait between two look-ups.
    public var interval: Duration = .seconds(2)

    private let names: [RedisEndpoint]
    private let logger: Logger

    public init(names: [RedisEndpoint], logger: Logger) {
        self.names = names
        self.logger = logger
    }

    /// Calls `publish` with every address of the names, whenever they change, until the task is cancelled.
    ///
    /// A name that cannot be resolved changes nothing: its servers known so far stay, for a DNS server that is away for a
    /// moment must not cost the readers their servers. Each name is looked up by itself: one whose look-up takes long does not
    /// keep the others waiting.
    public func run(_ publish: @escaping @Sendable ([Found]) -> Void) async {
        let known = NIOLockedValueBox([[RedisEndpoint]?](repeating: nil, count: names.count))
        await withTaskGroup { tasks in
            for (place, name) in names.enumerated() {
                tasks.addTask {
                    await follow(name) { endpoints in
                        // While it is locked, so that what is published last is what is known last.
                        known.withLockedValue { known in
                            known[place] = endpoints
                            publish(found(known))
                        }
                    }
                }
            }
        }
    }

    private func follow(_ name: RedisEndpoint, _ act: ([RedisEndpoint]) -> Void) async {
        var known: [RedisEndpoint]?
        var trouble: AddressResolutionError?
        while !Task.isCancelled {
            switch await LookUp().addresses(of: name.host) {
            case .success(let addresses):
                let endpoints = addresses.map { RedisEndpoint(host: $0, port: name.port) }
                if endpoints != known {
                    logger.info(
                        "\(name.host) has \(endpoints.count) address(es): \(addresses.joined(separator: ", "))")
                    known = endpoints
                    act(endpoints)
                }
                trouble = nil
            case .failure(let error):
                if error != trouble {
                    logger.warning("\(error); \(known?.count ?? 0) known address(es) stay in use")
                }
                trouble = error
            case nil: return
            }
            try? await Task.sleep(for: interval)
        }
    }

    private func found(_ known: [[RedisEndpoint]?]) -> [Found] {
        var found: [Found] = []
        for (name, endpoints) in zip(names, known) {
            for endpoint in endpoints ?? [] where !found.contains(where: { $0.endpoint == endpoint }) {
                found.append(Found(endpoint: endpoint, name: name.host))
            }
        }
        return Array(found.prefix(names.count == 1 ? found.count : Self.limit))
    }
}

/// One look-up, on its own thread until it ends: `getaddrinfo` blocks, for many seconds where a name server is silent.
private final class LookUp: Sendable {
    typealias Outcome = Result<[String], AddressResolutionError>

    private enum State {
        case idle
        case underWay(CheckedContinuation<Outcome?, Never>)
        case over
    }

    private let state = NIOLockedValueBox(State.idle)

    /// - Returns: `nil` where the task was cancelled; the look-up may go on for a while.
    func addresses(of host: String) async -> Outcome? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLockedValue { state in
                    if case .over = state { return true }
                    state = .underWay(continuation)
                    return false
                }
                guard !isOver else { return continuation.resume(returning: nil) }
                let begun = DetachedThread.run {
                    do throws(AddressResolutionError) {
                        self.end(.success(try AddressResolver.addresses(of: host)))
                    } catch {
                        self.end(.failure(error))
                    }
                }
                if !begun { end(.failure(AddressResolutionError(host: host, reason: "no thread to look it up"))) }
            }
        } onCancel: {
            end(nil)
        }
    }

    private func end(_ outcome: Outcome?) {
        let before = state.withLockedValue { state in
            defer { state = .over }
            return state
        }
        if case .underWay(let continuation) = before { continuation.resume(returning: outcome) }
    }
}
