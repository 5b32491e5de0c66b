import Failover
import Testing

@testable import LeaseStore

@Suite("The parts of a watch")
struct WatchPartsTests {
    @Test("lines come whole, wherever the pieces are cut")
    func lines() {
        let text = Array("{\"a\":1}\n\n{\"b\":2}\n{\"c\"".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                var lines = Lines(maximumBytes: 7)
                var found: [String] = []
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    let isShort = lines.append(piece)
                    #expect(isShort)
                    while let line = lines.next() { found.append(String(decoding: line, as: UTF8.self)) }
                }
                #expect(found == ["{\"a\":1}", "{\"b\":2}"])
            }
        }
    }

    @Test("a line that is too long ends the watch")
    func longLine() {
        var lines = Lines(maximumBytes: 3)
        let answers = [lines.append("abc\n".utf8), lines.append("abcd".utf8)]
        #expect(answers == [true, false])
    }

    @Test("waiting grows from 100 ms to 5 s, at least by half without chance, and begins again after a success")
    func backoff() {
        var backoff = Backoff()
        let first = [backoff.next(chance: 1), backoff.next(chance: 0)]
        for _ in 0..<100 { _ = backoff.next(chance: 1) }
        let later = [backoff.next(chance: 1), backoff.next(chance: 0)]
        backoff.succeeded()
        let again = backoff.next(chance: 1)
        #expect(first == [.milliseconds(100), .milliseconds(100)])
        #expect(later == [.seconds(5), .milliseconds(2500)])
        #expect(again == .milliseconds(100))
    }

    @Test("the store in memory keeps the interface's promises")
    func memory() async throws {
        let store = InMemoryLeaseStore()
        var record = LeaseRecord(holder: nil, term: 0, duration: .seconds(5))
        #expect(try await store.read(within: .seconds(1)) == nil)
        let first = try await store.write(record, replacing: nil, within: .seconds(1))
        await #expect(throws: LeaseStoreError.conflict) {
            try await store.write(record, replacing: nil, within: .seconds(1))
        }
        record.renewals = 1
        let second = try await store.write(record, replacing: first, within: .seconds(1))
        await #expect(throws: LeaseStoreError.conflict) {
            try await store.write(record, replacing: first, within: .seconds(1))
        }
        var watch = store.changes().makeAsyncIterator()
        #expect(await watch.next() == StoredLease(record: record, version: second))
        store.remove()
        #expect(await watch.next() == .some(nil))
        store.failure = .unavailable("down")
        await #expect(throws: LeaseStoreError.unavailable("down")) { try await store.read(within: .seconds(1)) }
        await store.shutDown()
        #expect(await watch.next() == nil)
    }
}
