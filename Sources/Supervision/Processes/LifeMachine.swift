/// The life of a supervised server, as a value: events and time go in, actions come out.
///
/// ```
/// waiting ─start─▶ running ─told to end─▶ handingOver ─handed over, told again, too late─▶ ending ─too late─▶ killing
///    ▲                │                        │                                             │                  │
///    └─────ended──────┘                        └────────────────── ended ◀───────────────────┴──────────────────┘
/// ```
package struct LifeMachine: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// From the order to end to SIGKILL.
        package var stopLimit: Duration
        /// How much of that the hand-over may take.
        package var handoverLimit: Duration

        package init(stopLimit: Duration = .seconds(25), handoverLimit: Duration = .seconds(5)) {
            self.stopLimit = stopLimit
            self.handoverLimit = handoverLimit
        }
    }

    package enum State: Equatable, Sendable {
        /// No server runs until then.
        case waiting(until: Duration)
        case running(since: Duration)
        /// The server runs on while what comes before its end is done.
        case handingOver(until: Duration, killAt: Duration)
        /// The server was sent SIGTERM.
        case ending(killAt: Duration)
        /// The server was sent SIGKILL.
        case killing
        case ended
    }

    package enum Action: Equatable, Sendable {
        case start
        /// Call ``LifeMachine/woken(at:)`` after this time. One that is asked for later does not void it.
        case wake(after: Duration)
        /// Give up leadership, then call ``LifeMachine/handedOver(at:)``.
        case handOver
        /// Send SIGTERM.
        case terminate
        /// Send SIGKILL.
        case kill
        /// End this process.
        case end(Int32)
    }

    package let settings: Settings
    package private(set) var state: State
    private var backoff = RestartBackoff()
    private var hasLivedLong = false

    package init(_ settings: Settings, at now: Duration) {
        self.settings = settings
        state = .waiting(until: now)
    }

    package mutating func started(at now: Duration) { state = .running(since: now) }

    /// The program could not be executed.
    ///
    /// - Parameter code: what a shell would say, 126 or 127; `nil` where it may succeed later.
    package mutating func notStarted(code: Int32?, at now: Duration) -> [Action] {
        guard let code else { return startLater(after: .zero, at: now) }
        return serverEnded(.exited(code), after: .zero, at: now)
    }

    package mutating func serverEnded(_ end: ProcessEnd, at now: Duration) -> [Action] {
        switch state {
        case .running(let since): return serverEnded(end, after: now - since, at: now)
        case .handingOver, .ending, .killing:
            state = .ended
            return [.end(end.exitCode)]
        case .waiting, .ended: return []
        }
    }

    private mutating func serverEnded(_ end: ProcessEnd, after life: Duration, at now: Duration) -> [Action] {
        if life >= RestartBackoff.longLife { hasLivedLong = true }
        if case .exited(let code) = end, Self.refusals.contains(code), !hasLivedLong {
            state = .ended
            return [.end(code)]
        }
        return startLater(after: life, at: now)
    }

    private mutating func startLater(after life: Duration, at now: Duration) -> [Action] {
        let wait = backoff.wait(after: life)
        state = .waiting(until: now + wait)
        return [.wake(after: wait)]
    }

    /// What a start gives for arguments, rights, a configuration or a program that cannot be used (sysexits.h, and a
    /// shell's): another start gives the same, and the container's runtime sees it when this process ends with
    /// it.
    private static let refusals: Set<Int32> = [64, 77, 78, 126, 127]

    /// SIGTERM or SIGINT.
    package mutating func toldToEnd(at now: Duration) -> [Action] {
        switch state {
        case .waiting:
            state = .ended
            return [.end(0)]
        case .running:
            let killAt = now + settings.stopLimit
            let limit = min(settings.handoverLimit, settings.stopLimit)
            guard limit > .zero else { return terminate(killAt: killAt, at: now) }
            state = .handingOver(until: now + limit, killAt: killAt)
            return [.handOver, .wake(after: limit)]
        case .handingOver(_, let killAt): return terminate(killAt: killAt, at: now)
        case .ending, .killing, .ended: return []
        }
    }

    package mutating func handedOver(at now: Duration) -> [Action] {
        guard case .handingOver(_, let killAt) = state else { return [] }
        return terminate(killAt: killAt, at: now)
    }

    package mutating func woken(at now: Duration) -> [Action] {
        switch state {
        case .waiting(let until): return now >= until ? [.start] : [.wake(after: until - now)]
        case .handingOver(let until, let killAt):
            return now >= until ? terminate(killAt: killAt, at: now) : [.wake(after: until - now)]
        case .ending(let killAt):
            guard now >= killAt else { return [.wake(after: killAt - now)] }
            state = .killing
            return [.kill]
        case .running, .killing, .ended: return []
        }
    }

    private mutating func terminate(killAt: Duration, at now: Duration) -> [Action] {
        state = .ending(killAt: killAt)
        return [.terminate, .wake(after: max(.zero, killAt - now))]
    }
}
