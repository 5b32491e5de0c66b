import HTTPWire

/// Answers the requests of one event loop. A class to inherit from: one virtual call a request. By itself it knows no path.
class HTTPService {
    let http: HTTPLoop

    init(http: HTTPLoop) { self.http = http }

    /// Finds the handler for a request; called when its head has come.
    func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
        ImmediateHandler(request.head, connection: connection, answer: Problem.unknownPath.response)
    }

    /// Called once no HTTP connection is open any more.
    func shutDown(_ completion: @escaping () -> Void) { completion() }

    /// Answers what has been asked, closes all connections, then shuts down.
    final func drain(_ completion: @escaping () -> Void) {
        http.drain { self.shutDown(completion) }
    }
}
