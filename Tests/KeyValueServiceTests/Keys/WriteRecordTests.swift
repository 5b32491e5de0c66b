import RedisClient
import Testing

@testable import KeyValueService

/// Every sequence of events in up to three attempts of a write, against the rules in words.
@Suite("What is known of a write")
struct WriteRecordTests {
    /// One attempt: what the write itself got, and what happened after that.
    struct Attempt: CustomStringConvertible {
        enum Event {
            case reply(WriteRecord.Reply)
            case failure(RedisFailure)
        }

        var event: Event
        var later: RedisFailure?

        var description: String { "\(event), then \(later.map { "\($0)" } ?? "nothing")" }

        /// Whether the server may have carried it out.
        var mayBeApplied: Bool {
            switch event {
            case .reply(.applied), .reply(.unclear): true
            case .reply(.unmet), .reply(.refused): false
            case .failure(let failure): Self.sent.contains(failure)
            }
        }

        static let unsent: [RedisFailure] = [
            .notConnected, .readOnly, .denied, .overloaded, .displaced, .shuttingDown,
        ]
        static let sent: [RedisFailure] = [.timedOut, .connectionLost]
        static let refusals: [Problem] = [
            .redisReadOnly, .redisOutOfMemory, .redisDenied, .redisCannotPersist, .redisNeedsReplicas,
            .redisUnavailable(role: "Redis server"), .redisError(code: "ERR"),
        ]

        static let all: [Attempt] = {
            let replies: [WriteRecord.Reply] = [.applied, .unmet, .unclear] + refusals.map { .refused($0) }
            let laters: [RedisFailure?] = [nil, .timedOut, .connectionLost, .notConnected]
            return replies.flatMap { reply in laters.map { Attempt(event: .reply(reply), later: $0) } }
                + (unsent + sent).map { Attempt(event: .failure($0), later: nil) }
        }()
    }

    private static func record(of attempts: [Attempt]) -> WriteRecord {
        var record = WriteRecord()
        for attempt in attempts {
            record.begin()
            switch attempt.event {
            case .reply(let reply): record.replied(reply)
            case .failure(let failure): record.failed(failure)
            }
            if let later = attempt.later { record.failed(later) }
            // A second reply to the same command does not exist.
            record.replied(.applied)
        }
        return record
    }

    /// The rules, in words: what an attempt got decides, unless an earlier one may have been applied.
    private static func expected(_ attempts: [Attempt]) -> WriteRecord.Outcome {
        guard let last = attempts.last else { return .notApplied(.redisUnavailable(role: "Redis master")) }
        if case .reply(.applied) = last.event { return .applied }
        if attempts.contains(where: { $0.mayBeApplied }) { return .unknown }
        switch last.event {
        case .reply(.unmet): return .unmet
        case .reply(.refused(let problem)): return .notApplied(problem)
        case .failure(let failure): return .notApplied(Problem(failure, role: "Redis master"))
        case .reply(.applied), .reply(.unclear): return .unknown
        }
    }

    @Test func `is reported by every attempt, and by none after it`() {
        var courses: [[Attempt]] = [[]]
        for first in Attempt.all {
            courses.append([first])
            for second in Attempt.all { courses.append([first, second]) }
        }
        for first in Attempt.all where first.later == nil {
            for second in Attempt.all where second.later == nil {
                for third in Attempt.all where third.later == nil { courses.append([first, second, third]) }
            }
        }
        for course in courses {
            let record = Self.record(of: course)
            #expect(record.outcome == Self.expected(course), "\(course)")
            if record.mayRepeat(isComingBack: true) {
                let isDangerous = course.contains { $0.mayBeApplied }
                #expect(!isDangerous, "sent twice: \(course)")
            }
        }
        #expect(courses.count > 7000)
    }

    @Test func `is never "not applied" while its reply is owed, nor "applied" before it came`() {
        var record = WriteRecord()
        record.begin()
        #expect(record.outcome == .unknown && !record.isReplied)
        record.begin()
        record.replied(.unmet)
        #expect(record.outcome == .unknown, "the lost attempt may have made the condition fail")
    }

    @Test func `is decided by what goes before it, unless an attempt was lost`() {
        var record = WriteRecord()
        record.decide(.refused(.redisDenied))
        #expect(record.outcome == .notApplied(.redisDenied))
        record.decide(.unmet)
        #expect(record.outcome == .unmet)
        record.begin()
        record.failed(.connectionLost)
        record.decide(.unmet)
        #expect(record.outcome == .unknown)
    }

    @Test(arguments: [
        "READONLY You can't", "OOM command not allowed", "MISCONF Redis is", "NOREPLICAS Not enough",
        "LOADING Redis is",
        "NOPERM this user", "NOAUTH Authentication", "BUSY Redis is busy", "MASTERDOWN Link", "ERR syntax error",
        "WRONGTYPE Operation", "EXECABORT Transaction", "NOSCRIPT No matching", "CLUSTERDOWN The", "MOVED 1 a:1",
        "TRYAGAIN", "REDIRECT a:1",
    ])
    func `is surely not applied where the server says why it does not carry it out`(error: String) {
        let bytes = Array(error.utf8)
        #expect(WriteRecord.Reply(error: bytes.span) == .refused(Problem(redisError: bytes.span)))
    }

    @Test func `is surely not applied where it was paused while the server became a replica`() {
        let error = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
        #expect(WriteRecord.Reply(error: Array(error.utf8).span) == .refused(.redisReadOnly))
    }

    @Test(
        arguments: [
            (.refused(.redisReadOnly), true, true), (.refused(.redisNeedsReplicas), false, true),
            (.refused(.redisUnavailable(role: "Redis server")), false, true), (.refused(.redisDenied), false, false),
            (.refused(.redisOutOfMemory), false, false), (.applied, false, false), (.unmet, false, false),
            (.unclear, false, false),
        ] as [(WriteRecord.Reply, Bool, Bool)])
    func `waits for the next leader where a change of the leader brings its refusal`(
        reply: WriteRecord.Reply, withMaster: Bool, withNodes: Bool
    ) {
        var record = WriteRecord()
        record.begin()
        record.replied(reply)
        #expect(record.mayRepeat(isComingBack: true) == withMaster)
        #expect(record.mayRepeat(isComingBack: true, findsLeader: true) == withNodes)
        // After a lost attempt nothing is sent again, regardless of the next reply.
        var lost = WriteRecord()
        lost.begin()
        lost.failed(.connectionLost)
        lost.begin()
        lost.replied(reply)
        #expect(!lost.mayRepeat(isComingBack: true, findsLeader: true))
    }

    @Test(arguments: ["upstream failure", "", "UNBLOCKED client unblocked", "proxy: timed out", "READONLYX a", "oom x"])
    func `is not known where something else than a server's refusal comes back`(error: String) {
        #expect(WriteRecord.Reply(error: Array(error.utf8).span) == .unclear)
    }
}
