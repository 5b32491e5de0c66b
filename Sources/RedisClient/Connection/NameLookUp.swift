import Glibc
public import NIOCore

/// Finds a name's addresses without holding up an event loop: each look-up has its own thread until it ends.
///
/// `getaddrinfo` blocks, for many seconds where a name server is silent. A thread that waited for the next look-up would be
/// a second one for a program that otherwise has one.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop.
public final class NameLookUp {
    public typealias Outcome = Result<[String], AddressResolutionError>

    private let eventLoop: any EventLoop
    /// Called with the outcome of the look-up that is under way; `nil` where none is.
    private var completion: ((Outcome) -> Void)?

    public init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Whether one is under way; another one is not begun before it is over, so that a silent name server costs one thread.
    public private(set) var isUnderWay = false

    /// Looks a host up; one that is an address is its own. Must be called on the event loop, while none is under way.
    ///
    /// - Parameter completion: called once, on the event loop, with the addresses, sorted, each once.
    public func addresses(of host: String, completion: @escaping (Outcome) -> Void) {
        precondition(!isUnderWay, "one look-up at a time")
        isUnderWay = true
        self.completion = completion
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let begun = DetachedThread.run {
            let outcome: Outcome
            do throws(AddressResolutionError) {
                outcome = .success(try AddressResolver.addresses(of: host))
            } catch {
                outcome = .failure(error)
            }
            eventLoop.execute { bound.value.end(outcome) }
        }
        if !begun {
            eventLoop.execute {
                bound.value.end(.failure(AddressResolutionError(host: host, reason: "no thread to look it up")))
            }
        }
    }

    private func end(_ outcome: Outcome) {
        isUnderWay = false
        let completion = completion
        self.completion = nil
        completion?(outcome)
    }
}
