import Glibc
public import NIOCore

/// Finds a name's addresses without holding up an event loop: each look-up has a thread for as long as it takes.
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

/// A thread that does one thing and ends.
private final class DetachedThread {
    private let body: @Sendable () -> Void

    private init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// - Returns: whether there was a thread to be had.
    static func run(_ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // glibc's resolver keeps packets of 64 KiB on the stack.
        unsafe pthread_attr_setstacksize(&attributes, 256 * 1024)
        let context = unsafe Unmanaged.passRetained(DetachedThread(body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<DetachedThread>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, context.toOpaque())
        if code != 0 { unsafe context.release() }
        return code == 0
    }
}
