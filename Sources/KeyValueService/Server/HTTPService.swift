import HTTPWire

/// Answers the requests of one event loop. A class to inherit from: one virtual call a request.
class HTTPService {
    let http: HTTPLoop

    init(http: HTTPLoop) { self.http = http }

    /// Finds the handler for a request; called when its head has come.
    func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
        preconditionFailure("a service overrides handler(for:on:)")
    }

    /// Called once no HTTP connection is open any more.
    func shutDown(_ completion: @escaping () -> Void) { completion() }

    /// Answers what has been asked, closes all connections, then shuts down.
    final func drain(_ completion: @escaping () -> Void) {
        http.drain { self.shutDown(completion) }
    }
}
