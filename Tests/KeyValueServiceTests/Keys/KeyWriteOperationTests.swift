import HTTPWire
import NIOCore
import RedisClient
import Testing

@testable import KeyValueService

/// What is sent and what the replies mean, without a connection.
@Suite("What a write of a key sends and takes")
struct KeyWriteOperationTests {
    /// One attempt's commands by their replies, in order: `+` a simple string, `-` an error, `$` a bulk string, `:` a number,
    /// `_` null.
    private struct Attempt {
        var commands: [RedisCommand]
        var replies: [String]
    }

    private static let tag = String(decoding: KeyTag(of: Array("old".utf8).span).text, as: UTF8.self)

    @Test func `of any value asks first whether there is one, and needs no condition`() throws {
        var (write, record) = (try Self.write("PUT"), WriteRecord())
        try attempt(&write, &record, Attempt(commands: [.exists, .set], replies: [":0", "+OK"]))
        #expect(record.outcome == .applied)
        expect(.created, of: &write, record)
        try attempt(&write, &record, Attempt(commands: [.exists, .set], replies: ["-NOPERM no", "+OK"]))
        // It stands for both where EXISTS says nothing.
        expect(.noContent, of: &write, record)
    }

    @Test func `on a condition of Redis is one command, and unmet where that answers null`() throws {
        var (write, record) = (try Self.write("PUT", "If-None-Match: *"), WriteRecord())
        try attempt(&write, &record, Attempt(commands: [.set], replies: ["_"]))
        #expect(record.outcome == .unmet)
        expect(.preconditionFailed, of: &write, record)
    }

    @Test func `on a tag goes from a script to the whole script, and from there to a transaction`() throws {
        var (write, record) = (try Self.write("PUT", "If-Match: \"\(Self.tag)\""), WriteRecord())
        try attempt(&write, &record, Attempt(commands: [.eval], replies: ["-NOSCRIPT No matching script."]))
        expectRepetition(of: &write)
        try attempt(&write, &record, Attempt(commands: [.eval], replies: ["-NOPERM no EVAL"]))
        expectRepetition(of: &write)
        try attempt(&write, &record, Attempt(commands: [.watch, .get, .multi], replies: ["+OK", "$old", "+OK"]))
        let wait = write.next(&record)
        #expect(wait == .zero)
        expect([.set, .exec], of: write)
        expectRepetition(of: &write, false)
    }

    @Test func `does nothing more in a transaction whose condition is not met`() throws {
        var (write, record) = (try Self.write("DELETE", "If-Match: \"\(Self.tag)\""), WriteRecord())
        try attempt(&write, &record, Attempt(commands: [.eval], replies: ["-NOPERM no EVAL"]))
        expectRepetition(of: &write)
        try attempt(&write, &record, Attempt(commands: [.watch, .get, .multi], replies: ["+OK", "$new", "+OK"]))
        _ = write.next(&record)
        expect([.discard], of: write)
        #expect(record.outcome == .unmet)
    }

    @Test func `ends after so many transactions that others' writes end`() throws {
        var (write, record) = (try Self.write("PUT", "If-Match: \"\(Self.tag)\""), WriteRecord())
        try attempt(&write, &record, Attempt(commands: [.eval], replies: [":513"]))
        var transactions = 0
        while case .again = write.repetition() {
            transactions += 1
            try attempt(&write, &record, Attempt(commands: [.watch, .get, .multi], replies: ["+OK", "$old", "+OK"]))
            _ = write.next(&record)
            for (index, reply) in ["+QUEUED", "_"].enumerated() {
                let isAccepted = accept(reply, at: index, &write, &record)
                #expect(isAccepted)
            }
        }
        #expect(transactions == 8)
    }

    @Test(arguments: [":1", "$OK", "+QUEUED", "_"])
    func `takes no reply that a SET never has`(reply: String) throws {
        var (write, record) = (try Self.write("PUT"), WriteRecord())
        _ = write.begin()
        record.begin()
        let isAccepted = accept(reply, at: 1, &write, &record)
        #expect(!isAccepted)
        #expect(record.outcome == .unknown)
    }

    // MARK: Helpers

    private func attempt(_ write: inout WriteOperation, _ record: inout WriteRecord, _ attempt: Attempt) throws {
        let sending = write.begin()
        if case .prepared = sending {} else { record.begin() }
        expect(attempt.commands, of: write)
        for (index, reply) in attempt.replies.enumerated() {
            let isAccepted = accept(reply, at: index, &write, &record)
            #expect(isAccepted, "\(reply) to \(attempt.commands[index])")
        }
    }

    private func expect(_ commands: [RedisCommand], of write: WriteOperation) {
        let sent = (0..<write.commands).map { write.command(at: $0) }
        #expect(sent == commands)
    }

    private func accept(
        _ reply: String, at index: Int, _ write: inout WriteOperation, _ record: inout WriteRecord
    ) -> Bool {
        let bytes = Array(reply.utf8.dropFirst())
        return switch reply.prefix(1) {
        case "+": write.accept(.simple(bytes.span), at: index, &record, room: .max)
        case "-": write.accept(.error(bytes.span), at: index, &record, room: .max)
        case ":": write.accept(.integer(Int64(reply.dropFirst()) ?? -1), at: index, &record, room: .max)
        case "_": write.accept(.null, at: index, &record, room: .max)
        default: write.accept(.bulk(bytes.span), at: index, &record, room: .max)
        }
    }

    private func expectRepetition(of write: inout WriteOperation, _ isExpected: Bool = true) {
        let isRepeated = if case .again = write.repetition() { true } else { false }
        #expect(isRepeated == isExpected)
    }

    private func expect(_ status: ResponseStatus, of write: inout WriteOperation, _ record: WriteRecord) {
        let report = WriteReport(servedBy: [], token: nil, hasText: false)
        let answer = write.answer(record.outcome, report)
        guard case .response(let response) = answer else {
            Issue.record("not a response")
            return
        }
        #expect(response.head.status == status)
    }

    private static func write(_ method: String, _ field: String? = nil) throws -> WriteOperation {
        let bytes = Array(
            "\(method) /v1/keys/k HTTP/1.1\r\nHost: a\r\n\(field.map { $0 + "\r\n" } ?? "")\r\n".utf8)
        var decoder = RequestDecoder(limits: RequestLimits())
        var offset = 0
        guard case .head(let head) = decoder.next(bytes.span, from: &offset) else { throw Problem.unknownPath }
        let request = RequestView(head, in: bytes.span)
        let target = RequestTarget(request.target)
        let key = Array("k".utf8)
        var write = WriteOperation.key(
            method == "PUT" ? try .put(request, target, key: key) : try .delete(request, target, key: key))
        _ = try write.take(ByteBuffer(string: "new"))
        return write
    }
}
