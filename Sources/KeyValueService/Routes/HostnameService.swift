import HTTPWire
import Logging
import NIOCore

/// The hostname server: any request, on any path, is answered with the name of the host that it hit.
final class HostnameService: HTTPService {
    private let hostname: HostnameAnswer

    init(http: HTTPLoop, configuration: ServiceConfiguration, logger: Logger) {
        self.hostname = HostnameAnswer(hostName: configuration.hostName, logger: logger, level: .info)
        super.init(http: http)
    }

    override func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
        ImmediateHandler(request.head, connection: connection, answer: hostname.response(to: connection))
    }
}

/// `You've hit <NAME>`, and a line in the log: `received request from ADDRESS`.
struct HostnameAnswer {
    private let body: ByteBuffer
    private let logger: Logger
    private let level: Logger.Level

    /// - Parameter level: that of the line in the log.
    init(hostName: String, logger: Logger, level: Logger.Level) {
        self.body = ByteBuffer(string: "You've hit <\(hostName)>")
        self.logger = logger
        self.level = level
    }

    func response(to connection: HTTPConnection) -> Response {
        logger.log(level: level, "received request from \(connection.clientAddress)")
        return Response(contentType: .plainText, body: body)
    }
}
