import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

@Suite("Large replies on one channel")
struct LargeReplyTests {
    static let bound = 16_384

    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } }

    static func wire(_ value: [UInt8]) -> [UInt8] { Array("$\(value.count)\r\n".utf8) + value + Array("\r\n".utf8) }

    @Test(
        "a shared channel of reads gives way: all are displaced once, and the first one learns why, at every cut of the head"
    )
    func givesWay() throws {
        let wire = Array(":1\r\n".utf8) + Self.wire(Self.bytes(Self.bound + 1))
        for cut in 0...16 {
            let log = Log()
            let (channel, handler) = try connect(log)
            handler.submit(Reader("a", log), replies: 1, at: .now()) { $0.writePING() }
            handler.submit(Reader("b", log), replies: 2, information: .text, at: .now()) { $0.writePING() }
            handler.submit(Reader("c", log), replies: 1, at: .now()) { $0.writePING() }
            handler.flush()
            try channel.writeInbound(ByteBuffer(bytes: wire[..<cut]))
            try channel.writeInbound(ByteBuffer(bytes: wire[cut...]))
            #expect(
                log.lines == [
                    "a[0] 1", "displaced", "b met a large reply", "c failed: displaced", "b failed: displaced",
                    "closed",
                ])
            #expect(!channel.isActive)
        }
    }

    @Test("a value of exactly the bound displaces no other")
    func bound() throws {
        let log = Log()
        let (channel, handler) = try connect(log)
        handler.submit(Reader("a", log), replies: 1, at: .now()) { $0.writePING() }
        let wire = Self.wire(Self.bytes(Self.bound))
        try channel.writeInbound(ByteBuffer(bytes: wire[..<9000]))
        try channel.writeInbound(ByteBuffer(bytes: wire[9000...]))
        #expect(log.lines == ["a[0] \(Self.bound) bytes", "idle"])
    }

    @Test(
        "where a write waits, nothing is displaced: a large value is gathered, or dropped where it is too large for that"
    )
    func writesStay() throws {
        for (length, expected) in [(60_000, "a[0] 60000 bytes"), (70_000, "a[0] TOOLARGE")] {
            for cut in [0, 3, 8, 20_000] {
                let log = Log()
                let (channel, handler) = try connect(log)
                handler.submit(Reader("a", log), replies: 2, at: .now()) { $0.writePING() }
                handler.submit(Reader("w", log, isRead: false), replies: 1, at: .now()) { $0.writePING() }
                let wire = Self.wire(Self.bytes(length)) + Array(":2\r\n+OK\r\n".utf8)
                try channel.writeInbound(ByteBuffer(bytes: wire[..<cut]))
                try channel.writeInbound(ByteBuffer(bytes: wire[cut...]))
                #expect(log.lines == [expected, "a[1] 2", "w[0] OK", "idle"], "\(length), cut at \(cut)")
            }
        }
    }

    @Test("a channel of one read hands a large value on piece by piece, and the replies behind it, at every cut")
    func taken() throws {
        let value = Self.bytes(50_000)
        let wire = Array("+first\r\n".utf8) + Self.wire(value) + Array(":3\r\n".utf8)
        for cut in Array(0...20) + Array(wire.count - 8...wire.count) + [30_000] {
            let log = Log()
            let (channel, handler) = try connect(log, isShared: false)
            let reader = Reader("a", log, takes: true)
            handler.submit(reader, replies: 3, at: .now()) { $0.writePING() }
            try channel.writeInbound(ByteBuffer(bytes: wire[..<cut]))
            try channel.writeInbound(ByteBuffer(bytes: wire[cut...]))
            channel.embeddedEventLoop.run()
            #expect(reader.received == value, "cut at \(cut)")
            #expect(
                log.lines.filter { $0 != "idle" }.sorted() == ["a took 50000 bytes", "a[0] first", "a[2] 3", "end"])
        }
    }

    @Test("nothing is handed on before it is wanted, nor while it is paused, nor once it is released")
    func paused() throws {
        let log = Log()
        let (channel, handler) = try connect(log, isShared: false)
        let reader = Reader("a", log, takes: true, begins: false)
        handler.submit(reader, replies: 1, at: .now()) { $0.writePING() }
        let wire = Self.wire(Self.bytes(30_000))
        try channel.writeInbound(ByteBuffer(bytes: wire[..<10_000]))
        channel.embeddedEventLoop.run()
        let value = try #require(reader.value)
        #expect(reader.received.isEmpty && handler.isPaused)
        reader.begin()
        #expect(reader.received.isEmpty, "not within the call")
        channel.embeddedEventLoop.run()
        #expect(reader.received.count == 10_000 - 8 && !handler.isPaused)
        value.pause()
        #expect(handler.isPaused)
        try channel.writeInbound(ByteBuffer(bytes: wire[10_000..<20_000]))
        #expect(reader.received.count == 10_000 - 8)
        value.resume()
        channel.embeddedEventLoop.run()
        #expect(reader.received.count == 20_000 - 8 && !handler.isPaused)
        value.release()
        try channel.writeInbound(ByteBuffer(bytes: wire[20_000...]))
        channel.embeddedEventLoop.run()
        #expect(reader.received.count == 20_000 - 8)
    }

    @Test("a value that is cut off, or does not end where it should, fails by itself alone")
    func broken() throws {
        for isCutOff in [true, false] {
            let log = Log()
            let (channel, handler) = try connect(log, isShared: false)
            handler.submit(Reader("a", log, takes: true), replies: 1, at: .now()) { $0.writePING() }
            var wire = Self.wire(Self.bytes(30_000))
            wire[wire.count - 2] = 0
            try channel.writeInbound(ByteBuffer(bytes: isCutOff ? wire[..<20_000] : wire[...]))
            if isCutOff { _ = try channel.finish() }
            channel.embeddedEventLoop.run()
            #expect(log.lines.count { $0.hasPrefix("failure") } == 1, "\(log.lines)")
            #expect(!log.lines.contains { $0.hasPrefix("a failed") || $0 == "end" })
        }
    }

    private func connect(_ log: Log, isShared: Bool = true) throws -> (EmbeddedChannel, PipelineHandler) {
        let handler = PipelineHandler(
            maximumReplyBytes: 65_536, largeReplyBytes: Self.bound, isShared: isShared,
            whenIdle: { log.lines.append("idle") }, whenClosed: { log.lines.append("closed") })
        handler.whenDisplaced = { log.lines.append("displaced") }
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6379)).wait()
        return (channel, handler)
    }
}

@Suite("Progress of replies")
struct ReplyProgressTests {
    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(1_000_000_000 + milliseconds * 1_000_000))
    }

    /// What comes in each quarter of a second, and how long a command has waited in vain that was sent at the beginning.
    @Test(
        arguments: [
            ([], 0), ([0, 0, 0], 750), ([20_000, 20_000], 0), ([20_000, 0, 1], 500), ([1, 1, 1, 1], 1000),
            ([16_384], 0), ([16_383], 250), ([0, 20_000], 0),
        ] as [([UInt64], Int64)])
    func silence(bytes: [UInt64], milliseconds: Int64) {
        var progress = ReplyProgress()
        var received: UInt64 = 0
        var now: Int64 = 0
        for count in bytes {
            progress.begin(receivedBytes: received, at: Self.time(now))
            received += count
            now += 250
            progress.look(receivedBytes: received, isPaused: false, at: Self.time(now), minimumRate: 65_536)
        }
        #expect(progress.silence(since: Self.time(0), at: Self.time(now)) == .milliseconds(milliseconds))
    }

    @Test("time in which nothing was read on purpose does not count, nor what came before the command was sent")
    func paused() {
        var progress = ReplyProgress()
        progress.begin(receivedBytes: 5, at: Self.time(0))
        progress.look(receivedBytes: 5, isPaused: true, at: Self.time(250), minimumRate: 65_536)
        #expect(progress.silence(since: Self.time(0), at: Self.time(400)) == .milliseconds(150))
        #expect(progress.silence(since: Self.time(300), at: Self.time(400)) == .milliseconds(100))
        // Another channel begins to count at 0.
        progress.begin(receivedBytes: 1 << 40, at: Self.time(400))
        progress.look(receivedBytes: 0, isPaused: false, at: Self.time(650), minimumRate: 65_536)
        #expect(progress.silence(since: Self.time(0), at: Self.time(650)) == .milliseconds(400))
    }

    @Test("time in which the event loop itself was blocked does not count")
    func late() {
        var progress = ReplyProgress()
        progress.begin(receivedBytes: 0, at: Self.time(0))
        // Due after 250 ms, and run after 3,000.
        progress.look(receivedBytes: 0, isPaused: false, at: Self.time(3000), minimumRate: 65_536)
        progress.excuse(.milliseconds(2750), since: Self.time(0))
        #expect(progress.silence(since: Self.time(0), at: Self.time(3000)) == .milliseconds(250))
        // What is late by no more than any timer counts.
        progress.begin(receivedBytes: 0, at: Self.time(3000))
        progress.look(receivedBytes: 0, isPaused: false, at: Self.time(3290), minimumRate: 65_536)
        progress.excuse(.milliseconds(40), since: Self.time(0))
        #expect(progress.silence(since: Self.time(0), at: Self.time(3290)) == .milliseconds(540))
    }
}

private final class Log {
    var lines: [String] = []
}

private final class Reader: ReplyReceiver {
    private let name: String
    private let log: Log
    private let isRead: Bool
    private let takes: Bool
    private let begins: Bool
    private(set) var value: LargeValue?
    private(set) var received: [UInt8] = []

    init(_ name: String, _ log: Log, isRead: Bool = true, takes: Bool = false, begins: Bool = true) {
        self.name = name
        self.log = log
        self.isRead = isRead
        self.takes = takes
        self.begins = begins
    }

    override var mayBeAskedAgain: Bool { isRead }
    override func noteLargeReply() { log.lines.append("\(name) met a large reply") }

    override func take(_ value: LargeValue, at index: Int) -> Bool {
        guard takes else { return false }
        log.lines.append("\(name) took \(value.length) bytes")
        self.value = value
        if begins { begin() }
        return true
    }

    func begin() {
        value?.begin { event in
            switch event {
            case .piece(let piece): self.received += Array(piece.readableBytesView)
            case .end: self.log.lines.append("end")
            case .failure(let failure): self.log.lines.append("failure: \(failure)")
            }
        }
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .bulk(let bytes): log.lines.append("\(name)[\(index)] \(bytes.count) bytes")
        case .simple(let bytes), .error(let bytes):
            log.lines.append("\(name)[\(index)] \(bytes.prefix(upTo: UInt8(ascii: " ")))")
        case .integer(let number): log.lines.append("\(name)[\(index)] \(number)")
        case .null, .array: log.lines.append("\(name)[\(index)] ?")
        }
    }

    override func fail(_ failure: RedisFailure) { log.lines.append("\(name) failed: \(failure.word)") }
}

extension RedisFailure {
    fileprivate var word: String {
        switch self {
        case .displaced: "displaced"
        case .connectionLost: "connectionLost"
        default: "\(self)"
        }
    }
}
