import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

@Suite("Commands in flight on one channel")
struct PipelineHandlerTests {
    @Test func `replies go to their receivers in the order of the submissions, at every split point`() throws {
        let wire = Array("+OK\r\n$3\r\nabc\r\n:7\r\n".utf8)
        for split in 0...wire.count {
            let transcript = Transcript()
            let (channel, handler) = try connect(transcript)
            handler.submit(Recorder("a", transcript), replies: 1, at: .now()) { $0.writeGET(key: [97].span) }
            handler.submit(Recorder("b", transcript), replies: 2, at: .now()) { $0.writeINFOReplication() }
            handler.flush()
            try channel.writeInbound(ByteBuffer(bytes: wire[..<split]))
            try channel.writeInbound(ByteBuffer(bytes: wire[split...]))
            #expect(transcript.lines == ["a[0] OK", "b[0] abc", "b[1] 7", "idle"])
            _ = try channel.finish()
        }
    }

    @Test func `what is submitted in a tick leaves in one write`() throws {
        let (channel, handler) = try connect(Transcript())
        let receiver = Recorder("a", Transcript())
        handler.submit(receiver, replies: 1, at: .now()) { $0.writeGET(key: Array("k".utf8).span) }
        handler.submit(receiver, replies: 1, at: .now()) { buffer in
            buffer.writeSET(key: Array("k".utf8).span, value: Array("a\r\n\0".utf8).span)
        }
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        handler.flush()
        let written = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(
            String(buffer: written)
                == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\n\0\r\n")
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test func `a connection that ends fails what is owed, in order, and then says that it closed`() throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        handler.submit(Recorder("a", transcript), replies: 2, at: .now()) { $0.writeINFOReplication() }
        handler.submit(Recorder("b", transcript), replies: 1, at: .now()) { $0.writeINFOReplication() }
        handler.flush()
        try channel.writeInbound(ByteBuffer(string: "+x\r\n"))
        _ = try channel.finish()
        #expect(transcript.lines == ["a[0] x", "a failed: connectionLost", "b failed: connectionLost", "closed"])
    }

    @Test("a reply that its command never has ends the connection at its head, and all that wait on it")
    func oddReply() throws {
        let table: [(RedisCommand, String, String)] = [
            (.get, "*1000000\r\n", "its answer to GET is an array of 1000000 elements, where one value is expected"),
            (.info, "$2000000\r\n", "its answer to INFO announces 2000000 bytes, and at most 1048576 are taken"),
            (.set, "$2000000\r\n", "its answer to SET announces 2000000 bytes, and at most 65536 are taken"),
            (.scan(count: 10), "*2\r\n:0\r\n*9999\r\n", "its answer to SCAN has 10001 elements, and at most 4136"),
            (.exec, "*5\r\n", "its answer to EXEC has 5 elements, and at most 4 are taken"),
        ]
        for (command, wire, words) in table {
            let transcript = Transcript()
            let (channel, handler) = try connect(transcript)
            handler.submit(Recorder("a", transcript, to: command), replies: 1, at: .now()) { $0.writePING() }
            handler.submit(Recorder("b", transcript), replies: 1, at: .now()) { $0.writePING() }
            handler.flush()
            try channel.writeInbound(ByteBuffer(string: wire))
            #expect(transcript.lines.count >= 2, "\(wire)")
            for (line, name) in zip(transcript.lines, ["a", "b"]) {
                #expect(line.hasPrefix("\(name) failed: unreadable \(words)"), "\(line)")
            }
            _ = try? channel.finish()
        }
    }

    @Test(
        "what begins unasked ends the connection before it is whole", arguments: ["$100\r\nx", "+O", "*1\r\n", "-ERR"])
    func unaskedPart(wire: String) throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        try channel.writeInbound(ByteBuffer(string: wire))
        #expect(handler.failure != nil)
        #expect(transcript.lines == ["closed"])
        _ = try? channel.finish()
    }

    @Test(arguments: [nil, RedisFailure.timedOut, .shuttingDown], [nil, InformationForm.text, .parsed])
    func `what was never handed to the channel was surely not sent, and is failed as such`(
        failure: RedisFailure?, information: InformationForm?
    ) throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        for name in ["a", "b"] {
            handler.submit(Recorder(name, transcript), replies: 1, information: information, at: .now()) {
                $0.writeGET(key: [97].span)
            }
            if name == "a" { handler.flush() }
        }
        if let failure { handler.close(failing: failure) } else { _ = try channel.finish() }
        let lost = failure ?? .connectionLost
        #expect(
            transcript.lines.filter { $0.contains("failed") }.sorted()
                == ["a failed: \(lost.caseName)", "b failed: notConnected"])
    }

    @Test func `what is not RESP fails what is owed and closes the channel`() throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        handler.submit(Recorder("a", transcript), replies: 1, at: .now()) { $0.writeINFOReplication() }
        handler.flush()
        try channel.writeInbound(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n"))
        #expect(transcript.lines.first?.hasPrefix("a failed: unreadable") == true)
        #expect(transcript.lines.last == "closed")
        #expect(!channel.isActive)
    }

    @Test func `a reply that no command asked for closes the channel`() throws {
        let transcript = Transcript()
        let (channel, _) = try connect(transcript)
        try channel.writeInbound(ByteBuffer(string: "+surprise\r\n"))
        #expect(transcript.lines.contains("closed"))
    }

    @Test(arguments: [1, 2])
    func `a receiver that distrusts a reply is failed once, whether it was the last one or not`(replies: Int) throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        let first = Recorder("a", transcript) { handler.distrust() }
        handler.submit(first, replies: replies, at: .now()) { $0.writeINFOReplication() }
        handler.submit(Recorder("b", transcript), replies: 1, at: .now()) { $0.writeINFOReplication() }
        handler.flush()
        try channel.writeInbound(ByteBuffer(string: "+1\r\n"))
        #expect(
            transcript.lines.filter { $0.contains("failed") }.sorted()
                == ["a failed: connectionLost", "b failed: connectionLost"])
        #expect(transcript.lines.contains("closed") && !channel.isActive)
    }

    @Test func `those who share an INFO that none of them trusts are failed once each`() throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        for name in ["a", "b"] {
            let receiver = Recorder(name, transcript) {
                if transcript.lines.last?.hasSuffix("7") == true { handler.distrust() }
            }
            handler.submit(receiver, replies: 1, information: .text, at: .now()) { $0.writeGET(key: [97].span) }
        }
        handler.flush()
        try channel.writeInbound(ByteBuffer(string: "+1\r\n+2\r\n:7\r\n"))
        #expect(transcript.lines.count { $0 == "a failed: connectionLost" } == 1)
        #expect(transcript.lines.count { $0 == "b failed: connectionLost" } == 1)
    }

    @Test func `a receiver may submit again while it receives`() throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        let second = Recorder("b", transcript)
        let first = Recorder("a", transcript) {
            handler.submit(second, replies: 1, at: .now()) { $0.writeINFOReplication() }
        }
        handler.submit(first, replies: 1, at: .now()) { $0.writeINFOReplication() }
        try channel.writeInbound(ByteBuffer(string: "+1\r\n+2\r\n"))
        #expect(transcript.lines == ["a[0] 1", "b[0] 2", "idle"])
    }

    @Test func `all who want INFO in a flush share one, sent after their commands`() throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        for name in ["a", "b"] {
            handler.submit(Recorder(name, transcript), replies: 1, information: .text, at: .now()) { buffer in
                buffer.writeGET(key: Array("k".utf8).span)
            }
        }
        handler.flush()
        let written = try #require(try channel.readOutbound(as: ByteBuffer.self))
        let get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
        #expect(String(buffer: written) == get + get + "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n")
        try channel.writeInbound(ByteBuffer(string: "+1\r\n+2\r\n$4\r\ninfo\r\n"))
        #expect(transcript.lines == ["a[0] 1", "b[0] 2", "a[1] info", "b[1] info", "idle"])
        handler.flush()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil, "no caller waits for another one")
    }

    @Test(arguments: [("", true), ("+1\r\n", true), ("+1\r\n+2\r\n", true), ("", false)])
    func `a receiver that waits for INFO is failed once, wherever the connection ends`(
        arrived: String, isFlushed: Bool
    ) throws {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        for name in ["a", "b"] {
            handler.submit(Recorder(name, transcript), replies: 1, information: .text, at: .now()) { buffer in
                buffer.writeGET(key: Array("k".utf8).span)
            }
        }
        if isFlushed { handler.flush() }
        try channel.writeInbound(ByteBuffer(string: arrived))
        _ = try channel.finish(acceptAlreadyClosed: true)
        let failure = isFlushed ? "connectionLost" : "notConnected"
        #expect(transcript.lines.suffix(3) == ["a failed: \(failure)", "b failed: \(failure)", "closed"])
        #expect(transcript.lines.count { $0.contains("failed") } == 2)
    }

    @Test func `answered submissions are reported together where they were sent together, at the end of a read`() throws
    {
        let transcript = Transcript()
        let (channel, handler) = try connect(transcript)
        let times = [1, 1, 2, 2, 2].map { NIODeadline.uptimeNanoseconds($0) }
        for time in times {
            handler.submit(Recorder("a", Transcript()), replies: 2, at: time) { $0.writeINFOReplication() }
        }
        try channel.writeInbound(ByteBuffer(string: "+1\r\n+2\r\n+1\r\n+2\r\n+1\r\n"))
        #expect(transcript.lines == ["2 sent at 1"])
        try channel.writeInbound(ByteBuffer(string: "+2\r\n+1\r\n+2\r\n+1\r\n"))
        #expect(transcript.lines == ["2 sent at 1", "2 sent at 2"])
        try channel.writeInbound(ByteBuffer(string: "+2\r\n"))
        #expect(transcript.lines == ["2 sent at 1", "2 sent at 2", "idle", "1 sent at 2"])
    }

    private func connect(_ transcript: Transcript) throws -> (EmbeddedChannel, PipelineHandler) {
        let handler = PipelineHandler(
            maximumReplyBytes: 1 << 20,
            whenAnswered: {
                if $1.uptimeNanoseconds < 9 { transcript.lines.append("\($0) sent at \($1.uptimeNanoseconds)") }
            },
            whenIdle: { transcript.lines.append("idle") },
            whenClosed: { transcript.lines.append("closed") })
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6379)).wait()
        return (channel, handler)
    }
}

private final class Transcript {
    var lines: [String] = []
}

private final class Recorder: ReplyReceiver {
    private let name: String
    private let transcript: Transcript
    private let question: RedisCommand
    private let then: () -> Void

    init(_ name: String, _ transcript: Transcript, to question: RedisCommand = .get, then: @escaping () -> Void = {}) {
        self.name = name
        self.question = question
        self.transcript = transcript
        self.then = then
    }

    override func command(at index: Int) -> RedisCommand { question }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .bulk(let bytes), .simple(let bytes), .error(let bytes):
            transcript.lines.append("\(name)[\(index)] \(bytes.prefix(upTo: 0))")
        case .integer(let number): transcript.lines.append("\(name)[\(index)] \(number)")
        case .null: transcript.lines.append("\(name)[\(index)] null")
        case .array(let elements): transcript.lines.append("\(name)[\(index)] \(elements.count) elements")
        }
        then()
    }

    override func fail(_ failure: RedisFailure) { transcript.lines.append("\(name) failed: \(failure.caseName)") }
}

extension RedisFailure {
    fileprivate var caseName: String {
        switch self {
        case .notConnected: "notConnected"
        case .displaced: "displaced"
        case .readOnly: "readOnly"
        case .noSingleMaster: "noSingleMaster"
        case .denied: "denied"
        case .overloaded: "overloaded"
        case .shuttingDown: "shuttingDown"
        case .timedOut: "timedOut"
        case .connectionLost: "connectionLost"
        case .unreadable(let error): "unreadable \(error)"
        }
    }
}
