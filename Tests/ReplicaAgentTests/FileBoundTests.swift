import Glibc
import RedisClient
import RedisConf
import ReplicaPlanning
import ReplicaReconciler
import Testing

@testable import ReplicaAgent

@Suite("What the sidecar reads is bounded")
struct FileBoundTests {
    @Test("a secret of more than 1 MiB and a configuration of more than 4 MiB are not read")
    func files() throws {
        var name = Array("/tmp/file-bound-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try #require(descriptor >= 0)
        let path = name.dropLast().map(UInt8.init(bitPattern:))
        defer {
            close(descriptor)
            Glibc.remove(String(decoding: path, as: UTF8.self))
        }
        func read(_ bytes: Int, _ body: (LiveFiles, [UInt8]) throws -> [UInt8]) throws -> Result<Int, any Error> {
            try #require(ftruncate(descriptor, bytes) == 0)
            return Result { try body(LiveFiles(), path).count }
        }
        #expect(try read(1 << 20) { try $0.secret(inFile: $1) }.get() == 1 << 20)
        #expect(throws: FileProblem.tooLarge(bound: "1 MiB")) {
            try read(60 << 20) { try $0.secret(inFile: $1) }.get()
        }
        #expect(try read(4 << 20) { try $0.contents(ofFile: $1) }.get() == 4 << 20)
        #expect(throws: FileProblem.tooLarge(bound: "4 MiB")) {
            try read((4 << 20) + 1) { try $0.contents(ofFile: $1) }.get()
        }
    }

    @Test(
        "an answer to INFO whose keys cannot be read is no empty server",
        arguments: [nil, "", "# Keyspace\r\ndb0:keys=NaN\r\n", "# Keyspace\r\ndb0:keys=-5,expires=0\r\n"] as [String?])
    func keyspace(_ text: String?) throws {
        let replication = RedisValue.bulk(Array("# Replication\r\nrole:master\r\n".utf8))
        let answers = [replication] + (text.map { [.bulk(Array($0.utf8))] } ?? [])
        guard case .failure(let refusal) = Answers.information(answers) else {
            Issue.record("\(answers) was taken")
            return
        }
        #expect(refusal.words == "gave an answer to INFO that cannot be read")
        let empty = try Answers.information([replication, .bulk(Array("# Keyspace\r\n".utf8))]).get()
        #expect(empty.keys == 0)
    }
}
