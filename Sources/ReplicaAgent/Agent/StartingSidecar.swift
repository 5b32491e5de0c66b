public import Logging
public import NIOCore

/// What answers before the sidecar has read its files, and hands over to it then.
///
/// A disk that hangs holds up neither `/livez` nor the end. Lives on its event loop; not thread-safe, and not `Sendable`.
public final class StartingSidecar {
    /// How long an answer waits for the files, which are read within milliseconds as a rule.
    static let patience: TimeAmount = .seconds(2)

    /// `nil` until the files are read.
    public var sidecar: Sidecar? {
        didSet {
            let waiting = waiting
            self.waiting = []
            for waiter in waiting { waiter.end(sidecar) }
        }
    }
    let configuration: SidecarConfiguration
    package let eventLoop: any EventLoop
    package let logger: Logger
    private var waiting: [Waiter] = []

    public init(_ configuration: SidecarConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// - Parameter completion: called once, on the event loop; with `nil` where the files take too long.
    func whenStarted(_ completion: @escaping (Sidecar?) -> Void) {
        if let sidecar { return completion(sidecar) }
        let waiter = Waiter(completion)
        waiting.append(waiter)
        waiter.deadline = eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
            self.waiting.removeAll { $0 === waiter }
            waiter.end(nil)
        }
    }

    private final class Waiter {
        private var completion: ((Sidecar?) -> Void)?
        var deadline: Scheduled<Void>?

        init(_ completion: @escaping (Sidecar?) -> Void) { self.completion = completion }

        func end(_ sidecar: Sidecar?) {
            deadline?.cancel()
            let completion = completion
            self.completion = nil
            completion?(sidecar)
        }
    }
}
