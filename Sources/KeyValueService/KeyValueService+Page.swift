import HTTPWire
import NIOCore

/// What the live page is made of.
extension KeyValueService {
    func topology(_ request: borrowing RequestView, _ connection: HTTPConnection) -> Exchange {
        let app = app
        return GatheringExchange(request.head, connection: connection, service: self) {
            [ObservedServer]($0.redis)
        } answer: { loops in
            var answer = Response(contentType: .json, body: Topology(of: app, seenBy: loops).json)
            answer.head.add("Cache-Control", "no-store")
            return answer
        }
    }
}
