import Logging
import NIOCore
import NIOHTTP1
import RedisClient
import Replication

/// The key-value API of one event loop: `/set`, `/get`, `/`, `/livez`, `/readyz`.
final class KeyValueService: HTTPService {
    /// What an answer of `/set` or `/get` adds to key and value, INFO included, as it is sized in advance.
    static let answerOverhead = 1536

    let redis: RedisLoop
    private let hostname: HostnameAnswer
    private let escapedPodIP: [UInt8]

    init(http: HTTPLoop, redis: RedisLoop, configuration: ServiceConfiguration, logger: Logger) {
        self.redis = redis
        self.hostname = HostnameAnswer(hostName: configuration.hostName, logger: logger)
        var escaped = ByteBuffer()
        escaped.writeJSONEscaped(configuration.podIP.utf8.span)
        self.escapedPodIP = Array(buffer: escaped)
        super.init(http: http)
    }

    override func exchange(for head: HTTPRequestHead, on connection: HTTPConnection) -> Exchange {
        let target = RequestTarget(head.uri)
        do throws(Problem) {
            switch try Route(path: target.path, method: head.method) {
            case .get:
                guard let key = try target.queryValue("key") else { throw .missingKey }
                guard !key.isEmpty else { throw .emptyKey }
                guard key.span.isUTF8 else { throw .keyNotText }
                return GetExchange(head: head, connection: connection, key: key, service: self)
            case .set: return SetExchange(head: head, connection: connection, service: self)
            case .hostname: return immediate(hostname.response(to: connection), head, connection)
            case .live:
                return immediate(Response(contentType: .plainText, body: ByteBuffer(string: "ok")), head, connection)
            case .ready: return immediate(Readiness(redis, isDraining: http.isDraining).response, head, connection)
            }
        } catch {
            return immediate(error.response, head, connection)
        }
    }

    private func immediate(_ answer: Response, _ head: HTTPRequestHead, _ connection: HTTPConnection) -> Exchange {
        ImmediateExchange(head: head, connection: connection, answer: answer)
    }

    override func shutDown(_ completion: @escaping () -> Void) { redis.shutDown(completion) }

    func makeBuffer(capacity: Int) -> ByteBuffer { ByteBufferAllocator().buffer(capacity: capacity) }

    /// Writes the rest of an answer after its value: `","redis_replication":"…","action":"…","pod_ip":"…"}`.
    ///
    /// - Parameter replication: the text of INFO, escaped already.
    func finish(_ body: inout ByteBuffer, replication: Span<UInt8>, action: StaticString) {
        let escapedPodIP = escapedPodIP
        body.writeStaticString("\",\"redis_replication\":\"")
        body.writeBytes(replication)
        body.writeStaticString("\",\"action\":\"")
        body.writeStaticString(action)
        body.writeStaticString("\",\"pod_ip\":\"")
        body.writeBytes(escapedPodIP.span)
        body.writeStaticString("\"}")
    }
}
