import HTTPWire
import NIOCore
import NIOEmbedded
import Testing

@testable import KeyValueService

/// Real connections' bytes without a socket: what a client sends, and what it is sent.
@Suite("Answers that go on")
struct StreamHandlerTests {
    private final class Stream: StreamSource {
        private weak var handler: StreamHandler?
        var begun = 0
        var ended = 0

        func begin(_ stream: StreamHandler) {
            handler = stream
            stream.stream(ResponseHead(contentType: .eventStream))
        }
        func streamBegan(_ stream: StreamHandler) { begun += 1 }
        func streamEnded() { ended += 1 }

        func send(_ piece: ByteBuffer) -> Bool { handler?.send(piece) ?? false }
        func finish() { handler?.finish() }
    }

    /// `/stream` goes on, all else is answered with its end.
    private final class Service: HTTPService {
        var streams: [Stream] = []

        override func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
            guard request.target.starts(with: "/stream") else {
                return ImmediateHandler(
                    request.head, connection: connection,
                    answer: Response(contentType: .plainText, body: ByteBuffer(string: "answer")))
            }
            let stream = Stream()
            streams.append(stream)
            return StreamHandler(request.head, connection: connection, source: stream)
        }
    }

    private final class Client {
        let channel = EmbeddedChannel()
        let service: Service

        init() throws {
            service = Service(http: HTTPLoop(limits: HTTPLimits(), eventLoop: channel.eventLoop))
            try channel.pipeline.syncOperations.addHandler(HTTPConnection(service: service))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// Sends the requests and returns what is answered at the end of the tick.
        func send(_ text: String) throws -> String {
            try channel.writeInbound(ByteBuffer(string: text))
            return try receive()
        }

        func receive() throws -> String {
            channel.embeddedEventLoop.run()
            var text = ""
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
            return text
        }

        deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    private func request(_ target: String, _ method: String = "GET", version: String = "1.1", fields: String = "")
        -> String
    {
        "\(method) \(target) HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test func `come in chunks, and the connection goes on after their end`() throws {
        let client = try Client()
        let head = try client.send(request("/stream"))
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(head.contains("\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"))
        #expect(!head.contains("Content-Length"))
        let stream = client.service.streams[0]
        #expect(stream.send(ByteBuffer(string: "0123456789abcdef!")))
        #expect(stream.send(ByteBuffer()), "nothing is not an end")
        #expect(try client.receive() == "11\r\n0123456789abcdef!\r\n")
        stream.finish()
        #expect(try client.receive() == "0\r\n\r\n")
        #expect(stream.ended == 1)
        #expect(!stream.send(ByteBuffer(string: "late")))
        #expect(try client.send(request("/other")).hasSuffix("answer"))
    }

    @Test(arguments: [("1.0", ""), ("1.0", "Connection: keep-alive\r\n"), ("1.1", "Connection: close\r\n")])
    func `end with the connection where the client knows no chunks, or wants no more`(
        version: String, fields: String
    ) throws {
        let client = try Client()
        let head = try client.send(request("/stream", version: version, fields: fields))
        #expect(head.contains("\r\nConnection: close\r\n"))
        #expect(!head.contains("Transfer-Encoding"))
        #expect(client.service.streams[0].send(ByteBuffer(string: "piece")))
        #expect(try client.receive() == "piece")
        client.service.streams[0].finish()
        #expect(try client.receive() == "")
    }

    @Test func `wait for their turn, and hold up those behind them`() throws {
        let client = try Client()
        let answers = try client.send(request("/first") + request("/stream") + request("/second"))
        #expect(answers.ranges(of: "answer").count == 1)
        #expect(answers.contains("chunked"))
        let stream = client.service.streams[0]
        #expect(stream.begun == 1)
        stream.finish()
        let rest = try client.receive()
        #expect(rest.hasPrefix("0\r\n\r\nHTTP/1.1 200 OK\r\n"))
        #expect(rest.hasSuffix("answer"))
    }

    @Test func `have no body where HEAD asks`() throws {
        let client = try Client()
        let answers = try client.send(request("/stream", "HEAD") + request("/other"))
        let heads = answers.split(separator: "\r\n\r\n")
        #expect(heads.count == 3, "two heads and one body")
        #expect(heads[0].contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(answers.hasSuffix("answer"))
        #expect(client.service.streams[0].begun == 0)
    }

    @Test func `are not sent to a client that takes nothing`() throws {
        let client = try Client()
        _ = try client.send(request("/stream"))
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(!client.service.streams[0].send(ByteBuffer(string: "piece")))
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(client.service.streams[0].send(ByteBuffer(string: "newer")))
        #expect(try client.receive() == "5\r\nnewer\r\n")
    }

    @Test func `are over, once, when the client leaves`() throws {
        let client = try Client()
        _ = try client.send(request("/stream") + request("/stream"))
        _ = try client.channel.finish()
        #expect(client.service.streams.map(\.begun) == [1, 0])
        #expect(client.service.streams.map(\.ended) == [1, 1], "also the one whose turn never came")
    }

    @Test func `end at a drain, as they should, and the connection with them`() throws {
        let client = try Client()
        _ = try client.send(request("/stream"))
        var isDrained = false
        client.service.drain { isDrained = true }
        #expect(try client.receive() == "0\r\n\r\n")
        #expect(client.service.streams[0].ended == 1)
        _ = try client.channel.finish(acceptAlreadyClosed: true)
        #expect(isDrained)
    }

    @Test func `never begin behind a drain`() throws {
        let client = try Client()
        _ = try client.send(request("/stream") + request("/stream"))
        client.service.drain {}
        let rest = try client.receive()
        #expect(rest.hasPrefix("0\r\n\r\nHTTP/1.1 200 OK\r\n"))
        #expect(client.service.streams.map(\.ended) == [1, 1])
    }
}
