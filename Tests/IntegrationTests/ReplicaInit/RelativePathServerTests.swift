import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A real server finds what relative paths named, also where dir is rewritten")
struct RelativePathServerTests {
    @Test("aclfile, unixsocket and include", arguments: RedisServer.paths)
    func finds(path: String) async throws {
        let server = try RedisServer(path)
        let (isThere, reply, output, moved) = try await Background.run {
            var run = try InitRun(server: server.path)
            try run.scratch.program(server.name, server.path)
            let old = run.scratch["old"]
            try run.scratch.write(
                "old/users.acl", "user default on nopass ~* +@all\nuser bob on >s ~* +@all\n".utf8, mode: 0o644)
            try run.scratch.write("old/more.conf", "maxclients 77\n".utf8)
            run.scratch.makeFolder("old", mode: 0o777)
            try run.scratch.write(
                "etc/redis.conf",
                "port 0\naclfile users.acl\nunixsocket r.sock\ndir \(old)\ninclude more.conf\nsave \"\"\n".utf8)
            run.environment["REDIS_PORT_NUMBER"] = nil
            run.environment["REDIS_REPLICATION_MODE"] = "master"
            run.environment[server.variable.name] = server.variable.value
            let process = try run.start()
            defer { process.kill() }
            let socket = run.scratch["old/r.sock"]
            let reply = Deadline.wait(20) { () -> String? in
                guard access(socket, F_OK) == 0,
                    var connection = try? BlockingConnection(path: socket, timeout: .seconds(5))
                else { return nil }
                guard let user = try? connection.command("AUTH", "bob", "s") else { return nil }
                let folder = (try? connection.command("CONFIG", "GET", "dir")).map { "\($0)" } ?? ""
                let clients = (try? connection.command("CONFIG", "GET", "maxclients")).map { "\($0)" } ?? ""
                return "\(user.errorText ?? "OK") \(folder.contains("\(Array(run.scratch["data"].utf8))")) "
                    + "\(clients.contains("\(Array("77".utf8))"))"
            }
            return (
                access(socket, F_OK) == 0, reply, process.output, access(run.scratch["data/r.sock"], F_OK) == 0
            )
        }
        #expect(isThere && !moved, "\(output)")
        #expect(reply == "OK true true", "\(output)")
    }

    /// Where `dir` stands, and redis-server's arguments.
    private static let layouts: [(text: String, arguments: [String])] = [
        ("aclfile users.acl\n", []), ("dir ./\naclfile users.acl\n", []), ("dir one\naclfile users.acl\n", []),
        ("aclfile users.acl\ndir one\n", []), ("dir one\naclfile users.acl\ndir two\n", []),
        ("include dir.conf\naclfile users.acl\n", []), ("aclfile users.acl\ninclude dir.conf\n", []),
        ("aclfile two/users.acl\n", []), ("aclfile users.acl\n", ["--dir", "one"]),
        ("dir one\naclfile users.acl\n", ["--dir", "two"]),
    ]

    @Test("the file of users is the one that the server alone reads, wherever dir stands", arguments: RedisServer.paths)
    func sameFile(path: String) async throws {
        let server = try RedisServer(path)
        let (findings, compared) = try await Background.run {
            let scratch = try Scratch()
            try scratch.program(server.name, server.path)
            for folder in ["w", "w/one", "w/one/two", "data"] {
                let user = "user \(folder.replacing("/", with: "-")) on\n"
                try scratch.write("\(folder)/users.acl", "user default on nopass ~* +@all\n\(user)".utf8)
            }
            try scratch.write("w/two/users.acl", "user default on nopass ~* +@all\nuser w-two on\n".utf8)
            try scratch.write("w/dir.conf", "dir one\n".utf8)
            var findings: [String] = []
            var compared = 0
            for layout in Self.layouts {
                try scratch.write("w/redis.conf", layout.text.utf8)
                let alone = try Boot.configuration(
                    of: server, file: "redis.conf", in: scratch, folder: "w", overrides: layout.arguments, password: nil
                )
                guard case .answers(let before) = alone else { continue }
                compared += 1
                let users = try Self.usersBehindInit(server, scratch, layout.arguments)
                if users != before["ACL LIST"] {
                    findings.append("\(server.testDescription), \(layout): \(String(decoding: users, as: UTF8.self))")
                }
            }
            return (findings, compared)
        }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
        #expect(compared >= 9, "\(compared)")
    }

    /// What `ACL LIST` says of the server that the init starts, its data in another folder.
    private static func usersBehindInit(
        _ server: RedisServer, _ scratch: Scratch, _ arguments: [String]
    ) throws -> [UInt8] {
        let socket = scratch["s.sock"]
        unlink(socket)
        let process = try Spawned(
            try Programs.built("redis-replica-init").string,
            ["redis.conf", "--", "--port", "0", "--unixsocket", socket] + arguments,
            environment: [
                "PATH": "\(scratch["bin"]):/usr/bin:/bin", "REDIS_DATA_DIR": scratch["data"], "SKIP_DROP_PRIVS": "1",
                "REDIS_REPLICATION_MODE": "master", "ALLOW_EMPTY_PASSWORD": "yes", "REDIS_BIND": "127.0.0.1",
                server.variable.name: server.variable.value,
            ], in: scratch["w"], log: scratch["init.log"])
        defer { process.kill() }
        let users = Deadline.wait(30) { () -> [UInt8]? in
            if process.endingIfOver() != nil { return Array(process.output.utf8) }
            guard access(socket, F_OK) == 0,
                var connection = try? BlockingConnection(path: socket, timeout: .seconds(10)),
                let reply = try? connection.command("ACL", "LIST")
            else { return nil }
            return Array("\(reply)".utf8)
        }
        return users ?? []
    }
}
