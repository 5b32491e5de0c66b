import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("rollback, with a large file,", .serialized)
struct RollbackSizeTests {
    /// 200 MB: many keys, long strings, and large sets, hashes, lists and streams.
    private static func filled(_ path: String) throws -> (scene: RollbackScene, name: String) {
        let scene = try RollbackScene(path, ["--rdbcompression", "no"])
        try scene.send(
            [
                "EVAL",
                """
                for i = 1, 100000 do redis.call('SET', 'key-' .. i, string.rep(i .. '-', 64)) end
                for i = 1, 200000 do redis.call('SADD', 'set', 'member-' .. i) redis.call('HSET', 'hash', i, 'value-' .. i) end
                for i = 1, 200000 do redis.call('RPUSH', 'list', i) redis.call('ZADD', 'zset', i / 7, 'member-' .. i) end
                for i = 1, 100000 do redis.call('XADD', 'stream', i .. '-1', 'field', i) end
                for i = 1, 24 do redis.call('SETRANGE', 'long-' .. i, 5000000, i) end
                for i = 1, 10 do redis.call('HSET', 'wide', i, string.rep('x', 2000000)) end
                redis.call('SET', 'last', string.rep('y', 20000000))
                """, "0",
            ])
        return (scene, try scene.keep())
    }

    @Test("needs no more memory than with a small one", arguments: [RedisServer.paths.first!, RedisServer.paths.last!])
    func memory(path: String) throws {
        let (scene, name) = try Self.filled(path)
        var status = stat()
        try #require(stat("\(scene.folder)/\(name)", &status) == 0)
        #expect(status.st_size > 200_000_000)
        try scene.send(["SET", "key-77777", "x"], ["HSET", "hash", "150000", "x"], ["SREM", "set", "member-99999"])
        let process = try scene.start(["show", name])
        var usage = rusage()
        var code: Int32 = 0
        let began = ContinuousClock.now
        try #require(wait4(process.pid, &code, 0, &usage) == process.pid)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print(
            "rollback show, \(scene.server.testDescription): \(status.st_size) bytes, \(usage.ru_maxrss) KiB RSS at the most, "
                + "\(Int(Double(status.st_size) / 1e6 / seconds)) MB/s")
        #expect(code == 1 << 8)
        #expect(process.output.contains("0 missing, 3 differ, 0 not compared, 100028 the same"), "\(process.output)")
        #expect(usage.ru_maxrss < 96 << 10)
    }

    @Test("says that the server has ended when it is killed meanwhile; killed itself, it leaves nothing behind")
    func killed() throws {
        let (scene, name) = try Self.filled(try Harness.redisServer.string)
        /// Until a part of the questions is asked.
        func waitUntilUnderWay() throws {
            var connection = try scene.connect()
            func count() throws -> Int {
                let text = try connection.command("INFO", "stats").text ?? ""
                let line = text.split(separator: "\r\n").first { $0.hasPrefix("total_commands_processed:") }
                return line.flatMap { Int($0.split(separator: ":")[1]) } ?? 0
            }
            let before = try count()
            let isUnderWay = Deadline.wait(60) { (try? count()).flatMap { $0 > before + 2000 ? true : nil } }
            #expect(isUnderWay == true)
        }
        let first = try scene.start(["show", name])
        try waitUntilUnderWay()
        Glibc.kill(first.pid, SIGKILL)
        #expect(first.ended() == .signaled(SIGKILL))
        #expect(scene.scratch.names(in: "data/rollback") == [name])
        var connection = try scene.connect()
        #expect(try connection.command("DBSIZE") == .integer(100_031))

        let second = try scene.start(["show", name])
        try waitUntilUnderWay()
        scene.kill()
        #expect(second.ended() == .exited(69))
        #expect(second.output.contains("the server "), "\(second.output)")
        #expect(second.output.split(separator: "\n").count == 1, "\(second.output)")
    }
}
