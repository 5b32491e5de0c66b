internal import ArgumentParser

/// What the master does that would start empty while its replicas have keys (`REDIS_ON_EMPTY`).
enum OnEmpty: String, ExpressibleByArgument, CaseIterable {
    case reseed
    /// As without the guard: the replicas copy the emptiness.
    case start
}
