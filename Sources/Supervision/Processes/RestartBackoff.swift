/// How long a process that ended is waited with before it is started again: twice as long each time, within bounds.
package struct RestartBackoff: Equatable, Sendable {
    package static let first: Duration = .milliseconds(100)
    package static let longest: Duration = .seconds(10)
    /// After a life of this length the next wait is the first one again.
    package static let longLife: Duration = .seconds(30)

    private var next = Self.first

    package init() {}

    /// - Parameter life: how long the process ran.
    package mutating func wait(after life: Duration) -> Duration {
        if life >= Self.longLife { next = Self.first }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
