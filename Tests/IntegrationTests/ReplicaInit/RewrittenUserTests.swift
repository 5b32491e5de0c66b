import Glibc
import Hiredis
import Testing

@Suite("The user default that CONFIG REWRITE has stored")
struct RewrittenUserTests {
    @Test("takes the password of the next start, and keeps its rules", arguments: RedisServer.paths)
    func rotated(path: String) throws {
        let server = try RedisServer(path)
        var scene = try Scene(server)
        // Two passwords, as in the middle of a rotation, and rules of its own.
        let rules = ["-debug", "resetkeys", "~k*"] + (server.has(7, 0) ? ["(+get ~a*)"] : [])
        let before = try scene.life(password: "old") { connection in
            for rule in [">older"] + rules {
                #expect(try connection.command("ACL", "SETUSER", "default", rule).errorText == nil)
            }
            return try Self.defaultUser(&connection, rewriting: true)
        }
        #expect(before.rules.contains("-debug") && before.hashes == 2, "\(before)")
        #expect(try scene.run.configuration.contains("\nuser default on "))
        #expect(try scene.run.configuration.contains(" #"))

        let after = try scene.life(password: "s3cret-new") { connection in
            try Self.defaultUser(&connection, rewriting: false)
        }
        #expect(after.rules == before.rules)
        #expect(after.hashes == 1)
        #expect(scene.output.contains("note: ") && scene.output.contains(Self.note), "\(scene.output)")
        #expect(!scene.output.contains("s3cret-new"))

        // The line in the init's words, then in the server's.
        for rewriting in [false, true] {
            let run = scene.run
            let file = try run.configuration
            let again = try scene.life(password: "s3cret-new") { connection in
                #expect(try run.configuration == file, "a start changed the file")
                return try Self.defaultUser(&connection, rewriting: rewriting)
            }
            #expect(again.rules == before.rules && again.hashes == 1)
            #expect(!scene.output.contains(Self.note), "\(scene.output)")
        }
        #expect(try scene.run.configuration.contains(" #"))
        let file = try scene.run.configuration
        _ = try scene.life(password: "s3cret-new") { _ in () }
        #expect(try scene.run.configuration == file, "a start changed what the server has written")
        #expect(!scene.output.contains(Self.note), "\(scene.output)")
    }

    private static let note = "user default overrules requirepass with another password"

    /// What the user default may do, and how many passwords it has.
    private static func defaultUser(
        _ connection: inout BlockingConnection, rewriting: Bool
    ) throws -> (rules: [Substring], hashes: Int) {
        if rewriting { #expect(try connection.command("CONFIG", "REWRITE").errorText == nil) }
        guard case .array(let users) = try connection.command("ACL", "LIST"), case .bulk(let user)? = users.first else {
            throw Spawned.Failure(description: "no answer to ACL LIST")
        }
        let words = String(decoding: user, as: UTF8.self).split(separator: " ")
        // Loading a line resets the user first, which sets this flag; 6.2 and 7.0 show it only then.
        return (words.filter { !$0.hasPrefix("#") && $0 != "sanitize-payload" }, words.count { $0.hasPrefix("#") })
    }

    /// A server on one configuration, started by the init again and again.
    private struct Scene {
        var run: InitRun
        /// What the last life has said.
        private(set) var output = ""

        init(_ server: RedisServer) throws {
            run = try InitRun(configuration: "port 0\nunixsocket s.sock\nsave \"\"\n", server: server.path)
            run.environment[server.variable.name] = server.variable.value
            run.environment["REDIS_REPLICATION_MODE"] = "master"
            run.environment["REDIS_MASTER_SERVICE_HOST"] = ""
            run.environment["REDIS_PORT_NUMBER"] = ""
            // A server in a home directory cannot be executed by the user redis.
            run.environment["SKIP_DROP_PRIVS"] = "1"
        }

        /// Starts the server, has it asked as the user default with this password, and ends it.
        mutating func life<Value>(
            password: String, _ body: (inout BlockingConnection) throws -> Value
        ) throws -> Value {
            run.environment["REDIS_PASSWORD"] = password
            let process = try run.start()
            defer { process.kill() }
            // Relative to the folder that the init begins in.
            let socket = run.scratch["s.sock"]
            let answer = Deadline.wait(20) { () -> BlockingReply? in
                guard var connection = try? BlockingConnection(path: socket, timeout: .seconds(5)) else { return nil }
                return try? connection.command("AUTH", password)
            }
            #expect(answer?.errorText == nil, "\(process.output)")
            var connection = try BlockingConnection(path: socket, timeout: .seconds(5))
            for other in ["old", "older", "s3cret-new"] where other != password {
                #expect(try connection.command("AUTH", other).errorText?.hasPrefix("WRONGPASS") == true, "\(other)")
            }
            #expect(try connection.command("AUTH", password).errorText == nil)
            let value = try body(&connection)
            kill(process.pid, SIGTERM)
            #expect(process.ended() == .exited(0), "\(process.output)")
            output = process.output
            return value
        }
    }
}
