import Glibc
import Hiredis
import SystemPackage
import Testing

/// A redis-server or valkey-server of some version.
struct RedisServer: Sendable, CustomTestStringConvertible {
    let path: String
    /// `Redis`, `Valkey` or `Redict`.
    let product: String
    let isValkey: Bool
    let isRedict: Bool
    let major: Int
    let minor: Int
    let patch: Int

    /// Those that `REDIS_SERVERS` names, one a line or between colons, and of one version its newest patch alone; the machine's
    /// own where it is not set.
    static let paths: [String] = {
        let named = getenv("REDIS_SERVERS").map { String(cString: $0) } ?? ""
        let paths = named.split { $0 == ":" || $0 == "\n" }.map(String.init)
        // One that does not say its version stays, and fails its tests.
        let servers = paths.map { (path: $0, server: try? RedisServer($0)) }
        let newest = servers.filter { path, server in
            guard let server else { return true }
            return !servers.contains { $0.server.map { $0.isNewerPatch(of: server) } ?? false }
        }
        return newest.isEmpty ? ["/usr/bin/redis-server"] : newest.map(\.path)
    }()

    private func isNewerPatch(of other: RedisServer) -> Bool {
        product == other.product && (major, minor) == (other.major, other.minor) && patch > other.patch
    }

    /// One for each kind of server: the oldest, the machine's own, and the newest Redis and Valkey. For what is decided by the
    /// protocol alone, where more versions would cost time and show nothing new; docs/versions.md says what runs where.
    static let representatives: [String] = {
        let servers = paths.compactMap { try? RedisServer($0) }
        guard servers.count > 4, let own = try? Harness.redisServer.string else { return paths }
        let byAge = servers.sorted { $0.number < $1.number }
        let chosen = [
            byAge.first?.path, paths.first { realPath($0) == realPath(own) },
            byAge.last { !$0.isValkey }?.path, byAge.last { $0.isValkey }?.path,
        ].compactMap(\.self)
        return paths.filter(chosen.contains)
    }()

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    var number: (Int, Int, Int) { (major, minor, patch) }

    /// Asks the program for its version.
    init(_ path: String) throws {
        let scratch = try Scratch()
        let process = try Spawned(path, ["--version"], in: scratch.path, log: scratch["version"])
        _ = process.ended()
        let output = process.output
        let version = try #require(output.split(separator: " ").first { $0.hasPrefix("v=") }, "\(path): \(output)")
        let numbers = version.dropFirst(2).split(separator: ".").compactMap { Int($0) }
        self.path = path
        isValkey = output.hasPrefix("Valkey")
        isRedict = output.hasPrefix("Redict")
        major = try #require(numbers.first)
        minor = try #require(numbers.dropFirst().first)
        patch = numbers.dropFirst(2).first ?? 0
        product = String(output.prefix { $0 != " " })
    }

    var testDescription: String { "\(product) \(major).\(minor).\(patch)" }

    /// The variable that the image of this server sets.
    var variable: (name: String, value: String) {
        (isValkey ? "VALKEY_VERSION" : "REDIS_VERSION", "\(major).\(minor).0")
    }

    /// The name it has in an image.
    var name: String { isValkey ? "valkey-server" : "redis-server" }

    /// Whether it has what came with a version of Redis; Valkey began at 7.2.
    func has(_ major: Int, _ minor: Int) -> Bool { (self.major, self.minor) >= (major, minor) }

    /// The distributions' configurations that lie around the servers: the machine's, and those of other roots.
    static let stockFiles: [String] = {
        var found = ["/etc/redis/redis.conf", "/etc/valkey/valkey.conf"]
        for path in paths {
            let folder = path.split(separator: "/").dropLast(2).joined(separator: "/")
            var matches = glob_t()
            defer { globfree(&matches) }
            guard glob("/\(folder)/*/etc/*/*.conf", 0, nil, &matches) == 0 else { continue }
            for index in 0..<Int(matches.gl_pathc) {
                guard let match = matches.gl_pathv[index].map({ String(cString: $0) }) else { continue }
                if match.hasSuffix("/redis.conf") || match.hasSuffix("/valkey.conf"), !found.contains(match) {
                    found.append(match)
                }
            }
        }
        return found.filter { access($0, R_OK) == 0 }
    }()
}

/// What a server said it had in effect, or why it did not start.
enum Boot {
    case answers([String: [UInt8]])
    case ends(log: String)

    /// Starts a server on a file, without a TCP port, and asks it for everything.
    static func configuration(
        of server: RedisServer, file: String, in scratch: Scratch, folder: String, overrides: [String],
        password: [UInt8]?, asking more: (inout BlockingConnection) throws -> Void = { _ in }
    ) throws -> Boot {
        let socket = scratch["s.sock"]
        unlink(socket)
        let process = try Spawned(
            "/usr/bin/setpriv",
            ["--pdeathsig", "KILL", server.path, file, "--port", "0", "--unixsocket", socket] + overrides,
            in: scratch[folder], log: scratch["server.log"])
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if process.endingIfOver() != nil { return .ends(log: process.output) }
            if let values = try? ask(socket, password: password) {
                defer { process.kill() }
                var connection = try BlockingConnection(path: socket, timeout: .seconds(10))
                try more(&connection)
                return .answers(values)
            }
            _ = poll(nil, 0, 2)
        }
        process.kill()
        throw Spawned.Failure(description: "\(server.testDescription) did not answer: \(process.output)")
    }

    private static func ask(_ socket: String, password: [UInt8]?) throws -> [String: [UInt8]] {
        guard access(socket, F_OK) == 0 else { throw Spawned.Failure(description: "no socket yet") }
        var connection = try BlockingConnection(path: socket, timeout: .seconds(10))
        if let password {
            let reply = try connection.command([Array("AUTH".utf8), password])
            if let problem = reply.errorText { return ["AUTH": Array(problem.utf8)] }
        }
        guard case .array(let list) = try connection.command("CONFIG", "GET", "*") else {
            throw Spawned.Failure(description: "no answer to CONFIG GET")
        }
        var values: [String: [UInt8]] = [:]
        for index in stride(from: 0, to: list.count - 1, by: 2) {
            guard case .bulk(let name) = list[index], case .bulk(let value) = list[index + 1] else { continue }
            values[String(decoding: name, as: UTF8.self)] = value
        }
        values["ACL LIST"] = Array("\(try connection.command("ACL", "LIST"))".utf8)
        values["COMMAND COUNT"] = Array("\(try connection.command("COMMAND", "COUNT"))".utf8)
        return values
    }
}
