import Hiredis
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

@Suite("The bounds of trying again")
struct FailoverBoundsTests {
    private let eventLoop = EmbeddedEventLoop()

    private func connection(_ host: String) -> RedisConnection {
        RedisConnection(
            endpoint: .init(host: host, port: 6379), configuration: .init(), eventLoop: eventLoop,
            flusher: TickFlusher(eventLoop: eventLoop), logger: Logger(label: "test"))
    }

    @Test(
        arguments: [
            ([nil, nil, nil], [true, true, false]),
            ([.connectionLost, .notConnected, .connectionLost], [true, true, false]),
            ([.timedOut, .connectionLost], [true, false]),
            ([.timedOut, .timedOut], [true, false]),
            ([.connectionLost, .timedOut, .connectionLost], [true, true, false]),
            ([.overloaded, .overloaded, .overloaded], [true, true, false]),
            ([.unreadable(.malformed("")), nil, nil], [true, true, false]),
            ([.unreadable(.replyTooLong(limitBytes: 1))], [false]),
        ] as [([RedisFailure?], [Bool])])
    func `a read is asked of two further servers, of one after a time-out, and of none where the reply is too long`(
        failures: [RedisFailure?], mayGoOn: [Bool]
    ) {
        var attempts = ReadAttempts()
        for (index, (failure, expected)) in zip(failures, mayGoOn).enumerated() {
            #expect(attempts.mayGoOn(after: connection("\(index)"), failing: failure) == expected)
        }
    }

    @Test func `a server that has failed a read is not asked again, over another connection either`() {
        var attempts = ReadAttempts()
        #expect(!attempts.include(connection("a")))
        _ = attempts.mayGoOn(after: connection("a"), failing: .connectionLost)
        _ = attempts.mayGoOn(after: connection("b"), failing: .connectionLost)
        #expect(attempts.include(connection("a")))
        #expect(attempts.include(connection("b")))
        #expect(!attempts.include(connection("c")))
    }

    @Test func `writes that wait for a master are resumed in their order, and bounded in their number`() {
        let waiting = WaitingWrites(eventLoop: eventLoop)
        var resumed: [Int] = []
        func wait(_ time: UInt64, _ resume: @escaping (Bool) -> Void) -> Bool {
            waiting.append(startedAt: .uptimeNanoseconds(time), resume) != nil
        }
        // One that came earlier may begin to wait later: it was sent before, and refused.
        for number in (0..<WaitingWrites.limit).reversed() {
            #expect(wait(UInt64(number)) { if $0 { resumed.append(number) } })
        }
        #expect(!wait(0) { _ in Issue.record("one that was refused is resumed") })
        waiting.resumeAll(isMasterFound: true)
        #expect(resumed == Array(0..<WaitingWrites.limit))
        #expect(wait(0) { _ in resumed.append(-1) }, "there is room again")
        waiting.resumeAll(isMasterFound: false)
        #expect(resumed.last == -1)
    }

    @Test func `an error's cure is logged once a server, and again after a minute without`() {
        let lines = Lines()
        let complaints = Complaints(logger: Logger(label: "test") { _ in lines })
        let start = NIODeadline.uptimeNanoseconds(1)
        let a = RedisEndpoint(host: "a", port: 1)
        for seconds in [0, 1, 59, 118] { complaints.note("OOM", from: a, at: start + .seconds(Int64(seconds))) }
        #expect(lines.all == ["redis a:1 \(Complaints.words(for: "OOM") ?? "")"])
        complaints.note("OOM", from: .init(host: "b", port: 1), at: start)
        complaints.note("WRONGTYPE", from: a, at: start)
        #expect(lines.all.count == 2)
        complaints.note("OOM", from: a, at: start + .seconds(118 + 61))
        #expect(lines.all.count == 3)
    }
}

/// A log that keeps its lines.
private final class Lines: LogHandler, @unchecked Sendable {
    // One test, one thread.
    private(set) var all: [String] = []
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { all.append(event.message.description) }
}
