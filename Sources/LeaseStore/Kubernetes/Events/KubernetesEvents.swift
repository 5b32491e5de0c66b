internal import Glibc
package import NIOCore
import Synchronization

/// Whose events are sent, and where.
package struct KubernetesEventsSettings: Equatable, Sendable {
    /// The API server and the namespace.
    package var kubernetes: KubernetesSettings
    package var pod: String
    package var podUID: String

    package init(kubernetes: KubernetesSettings, pod: String, podUID: String) {
        self.kubernetes = kubernetes
        self.pod = pod
        self.podUID = podUID
    }
}

/// Sends Events of Kubernetes about this pod, as well as it can.
///
/// Nothing waits for it, and nothing depends on it: at most ``waiting`` events wait, each is tried ``tries`` times, and
/// ``EventLimiter`` says how many there are.
package final class KubernetesEvents: Sendable {
    static let waiting = 16
    static let tries = 3
    static let questionLimit = Duration.seconds(3)

    private let http: StoreHTTP
    private let continuation: AsyncStream<KubernetesEventObject>.Continuation
    private let settings: KubernetesEventsSettings
    private let task: Task<Void, Never>
    private let state = Mutex(State())

    private struct State {
        var limiter = EventLimiter()
        /// Starts at the time, so that two starts of a pod have different ones.
        var number: UInt64 = UInt64(clamping: wallClock().seconds &* 1_000_000 &+ wallClock().nanoseconds / 1000)
    }

    /// - Parameters:
    ///   - eventLoop: for the connections.
    ///   - trouble: gets each new reason why an event was not sent; for the log.
    package init(
        _ settings: KubernetesEventsSettings, eventLoop: any EventLoop,
        trouble: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.settings = settings
        let http = StoreHTTP(eventLoop: eventLoop)
        self.http = http
        let (stream, continuation) = AsyncStream.makeStream(
            of: KubernetesEventObject.self, bufferingPolicy: .bufferingNewest(Self.waiting))
        self.continuation = continuation
        let client = KubernetesClient<KubernetesEventObject>(
            settings.kubernetes,
            object: "an Event about the pod \"\(settings.kubernetes.namespace)/\(settings.pod)\"", http: http)
        task = Task {
            var lastTrouble: String?
            for await event in stream {
                let problem = await Self.send(event, client)
                if let problem, problem != lastTrouble, !Task.isCancelled { trouble(problem) }
                lastTrouble = problem
            }
        }
    }

    /// Sends it soon, or not at all.
    package func report(_ event: OperatorEvent) {
        let time = wallClock()
        let number = state.withLock { state -> UInt64? in
            guard state.limiter.allows(event, at: .now) else { return nil }
            state.number &+= 1
            return state.number
        }
        guard let number else { return }
        continuation.yield(
            KubernetesEventObject(
                event, settings: settings, number: number,
                time: MicroTime.text(seconds: time.seconds, nanoseconds: time.nanoseconds)))
    }

    /// Ends connections. What waits is sent first, as far as that takes no longer than `limit`.
    package func shutDown(within limit: Duration = .seconds(1)) async {
        await send(within: limit)
        await http.shutDown()
    }

    /// Sends what waits, for that long at the most. After it nothing is sent any more.
    package func send(within limit: Duration) async {
        continuation.finish()
        let task = task
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await task.value }
            group.addTask {
                try? await Task.sleep(for: limit)
                task.cancel()
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// - Returns: why it was not sent.
    private static func send(
        _ event: KubernetesEventObject, _ client: KubernetesClient<KubernetesEventObject>
    ) async -> String? {
        var backoff = Backoff()
        var problem: String?
        for _ in 0..<tries where !Task.isCancelled {
            do throws(LeaseStoreError) {
                switch try await client.ask(.create, event, until: .now + questionLimit) {
                // It is there already: the try before has made it.
                case .object, .conflict: return nil
                case .absent: throw client.failure(.create, "answers 404")
                }
            } catch {
                problem = error.description
                if case .unavailable = error {} else { return problem }
            }
            try? await Task.sleep(for: backoff.next(chance: .random(in: 0...1)))
        }
        return problem
    }
}

private func wallClock() -> (seconds: Int, nanoseconds: Int) {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return (time.tv_sec, time.tv_nsec)
}
