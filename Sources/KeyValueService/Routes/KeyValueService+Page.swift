import HTTPWire
import NIOCore

/// What the live page is made of.
extension KeyValueService {
    private static let page = PageAnswer()

    /// The page for browsers, and for all other clients the line of the original.
    func root(_ request: borrowing RequestView, _ connection: HTTPConnection) -> Response {
        let line = hostname.response(to: connection)
        return request.asksForHTML ? Self.page.response() : line
    }

    /// A read as that of `/v1/keys/{key}`, which names the app and is the last one on its connection: a browser lets no page ask
    /// for `Connection: close`, and the next read shall come on a new one, so that it may reach another app.
    func demoRead(
        _ target: borrowing RequestTarget, _ request: borrowing RequestView, _ connection: HTTPConnection
    ) throws(Problem) -> RequestHandler {
        let handler = try handler(for: target.key, target, request, connection, app: fieldPodIP)
        handler.keepsAlive = false
        return handler
    }

    /// Of what is put together for everyone who asks, so many bytes at a time: a few requests.
    private static let costOfTopology = 256 << 10

    func topology(_ request: borrowing RequestView, _ connection: HTTPConnection) -> RequestHandler {
        let app = app
        return GatheringHandler(request.head, connection: connection, service: self, cost: Self.costOfTopology) {
            ([ObservedServer]($0.redis), SelectionWords($0.redis))
        } answer: { [feed] loops in
            let seen = Topology(of: app, seenBy: loops.map { $0.0 }, words: SelectionWords(of: loops.map { $0.1 }))
            return Response(contentType: .json, body: feed.recorder.observe(seen).json)
        }
    }
}

extension KeyValueService {
    /// The last five minutes, and what happened to servers.
    func topologyHistory(_ request: borrowing RequestView, _ connection: HTTPConnection) -> RequestHandler {
        let app = app
        return GatheringHandler(request.head, connection: connection, service: self, cost: Self.costOfTopology) { _ in
            true
        } answer: { [feed] _ in
            Response(contentType: .json, body: feed.recorder.history(of: app))
        }
    }

    /// The same as the first event of a stream: another connection may reach another app, whose figures are its own.
    var topologyHistoryEvent: ByteBuffer {
        var event = ByteBuffer(string: "event: history\ndata: ")
        event.writeImmutableBuffer(feed.recorder.history(of: app))
        event.writeStaticString("\n\n")
        return event
    }
}

extension RequestTarget {
    /// The key of `?key=…`.
    var key: [UInt8] {
        get throws(Problem) {
            guard let key = try queryValue("key") else { throw .missingKey }
            guard !key.isEmpty else { throw .emptyKey }
            return key
        }
    }
}
