import Failover
import FailoverAgent
import Glibc
import Testing

@Suite("What only this node has")
struct RollbackFileTests {
    private static let lease = LeaseRecord(
        holder: nil, term: 3, duration: .seconds(5),
        histories: [
            .init(term: 1, id: "h1", start: 0), .init(term: 2, id: "h2", start: 100),
            .init(term: 3, id: "h3", start: 150),
        ])

    private static func needed(_ history: String, _ offset: Int64, isExact: Bool = true, keys: Int64 = 1)
        -> RollbackFile?
    {
        let term = lease.term(of: history) ?? 0
        return RollbackFile.needed(
            for: DataPosition(term: term, history: history, offset: offset), isExact: isExact, keys: keys, in: lease)
    }

    @Test(
        "is nothing, where it has no data, follows the leader's history, or has less than the next history began with")
    func nothing() {
        #expect(RollbackFile.needed(for: nil, isExact: true, keys: 0, in: Self.lease) == nil)
        #expect(Self.needed("h3", 1000) == nil)
        #expect(Self.needed("h3", 1000, isExact: false) == nil)
        #expect(Self.needed("h2", 150) == nil)
        #expect(Self.needed("h1", 100) == nil)
    }

    @Test("is what lies behind the end of its history, in bytes")
    func extra() {
        #expect(Self.needed("h2", 151) == RollbackFile(term: 2, history: "h2", from: 150, to: 151))
        #expect(Self.needed("h1", 140)?.name == "term-1-h1-from-100-to-140-bytes-40.rdb")
    }

    @Test("may be there where the position is the least that it can be")
    func atLeast() {
        #expect(Self.needed("h2", 120, isExact: false) == RollbackFile(term: 2, history: "h2", from: 150, to: 150))
    }

    @Test("is everything, where its history is in no term")
    func unknown() {
        #expect(Self.needed("other", 10) == RollbackFile(term: 0, history: "other", from: 0, to: 0))
        #expect(RollbackFile.needed(for: nil, isExact: true, keys: 1, in: Self.lease)?.history == "unknown")
        #expect(Self.needed("other", 10, keys: 0) == nil)
    }

    @Test("is kept three times: the newest ones, and other files are not touched")
    func newestThree() throws {
        var name = Array("/tmp/rollback-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&name) != nil)
        let folder = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        func changedAt(_ path: String) -> Int {
            var status = stat()
            return stat(path, &status) == 0 ? status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec : -1
        }
        var last = -1
        // Names in the other order: what counts is when each came.
        let files = (0..<5).map { RollbackFile(term: 9 - $0, history: "h", from: 0, to: 0).name }
        for file in ["notes.txt"] + files {
            let path = "\(folder)/\(file)"
            repeat {
                unlink(path)
                close(open(path, O_CREAT | O_WRONLY, 0o600))
            } while changedAt(path) <= last
            last = changedAt(path)
        }
        RollbackFolder.removeOldest(in: folder)
        for (index, file) in files.enumerated() { #expect((changedAt("\(folder)/\(file)") >= 0) == (index > 1)) }
        #expect(changedAt("\(folder)/notes.txt") >= 0)
        for file in ["notes.txt"] + files { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }
}
