import Glibc
import Hiredis
import LocalTopology
import Testing

extension ReseedScene {
    /// One command to a server of either cluster.
    func ask(
        _ cluster: LocalCluster, _ name: String, _ words: String..., timeout: Duration = .seconds(10)
    ) async throws -> BlockingReply {
        let login = options.password.map { [["AUTH", $0]] } ?? []
        guard options.tls != nil else {
            return try await cluster.redis(name, login + [words], timeout: timeout).last!
        }
        let socket = "\(scratch["sockets"])/\(name)"
        return try await Background.run {
            var connection = try BlockingConnection(path: socket, timeout: timeout)
            for command in login { _ = try connection.command(command.map { Array($0.utf8) }) }
            return try connection.command(words.map { Array($0.utf8) })
        }
    }

    func info(_ cluster: LocalCluster, _ name: String) async throws -> [String: String] {
        let text = try await ask(cluster, name, "INFO").text ?? ""
        return text.split(whereSeparator: \.isNewline).reduce(into: [:]) { fields, line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
    }

    /// Keys `key:first` to `key:last` on the master, and on every replica that follows it.
    func fill(_ master: LocalCluster, from first: Int, to last: Int) async throws {
        let script = """
            local tail = string.rep('x', \(options.valueBytes))
            for i = \(first), \(last) do redis.call('SET', 'key:' .. i, i .. ':' .. tail) end
            return redis.call('DBSIZE')
            """
        let count = try await ask(master, "master", "EVAL", script, "0", timeout: .seconds(60))
        guard case .integer(let keys) = count else { throw Spawned.Failure(description: "\(count)") }
        for replica in replicas { try await wait(until: replica, holds: Int(keys)) }
    }

    func wait(until replica: String, holds keys: Int) async throws {
        try await cluster.wait(until: "\(replica) holds \(keys) keys", of: replica, within: .seconds(30)) {
            let reply = try await self.ask(self.cluster, replica, "DBSIZE")
            return Observation(reply == .integer(Int64(keys)), else: "\(reply)")
        }
    }

    func waitUntilUp(_ master: LocalCluster) async throws {
        try await master.wait(until: "the master is up", of: "master", within: .seconds(30)) {
            // While its data is on its way it is LOADING.
            let reply = try await self.ask(master, "master", "DBSIZE")
            if case .integer = reply { return .satisfied }
            return .notYet("\(reply)")
        }
    }

    /// Linked to the master by the name that it was given.
    func waitUntilLinked(_ replica: String) async throws {
        try await cluster.wait(until: "\(replica) is linked", of: replica, within: .seconds(30)) {
            let info = try await self.info(self.cluster, replica)
            let isThere =
                info["master_link_status"] == "up" && info["master_host"] == Self.name && info["loading"] == "0"
            return Observation(
                isThere, else: "\(info["master_link_status"] ?? "?") to \(info["master_host"] ?? "no one")")
        }
    }

    func waitUntilDown() async throws {
        for replica in replicas {
            try await cluster.wait(until: "\(replica)'s link is down", of: replica) {
                let info = try await self.info(self.cluster, replica)
                return Observation(info["master_link_status"] == "down", else: "\(info)")
            }
        }
    }

    /// The master came up with every key, its replicas are back, and nothing of the reseeding is left.
    func expectHome(_ master: LocalCluster, keys: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let keys = keys ?? options.keys
        try await waitUntilUp(master)
        let count = try await ask(master, "master", "DBSIZE")
        let log = try await master.log(of: "master")
        #expect(count == .integer(Int64(keys)), "\(log)", sourceLocation: sourceLocation)
        for replica in replicas {
            try await waitUntilLinked(replica)
            try await wait(until: replica, holds: keys)
        }
        #expect(leftovers == [], "\(log)", sourceLocation: sourceLocation)
    }

    /// Every replica, or each named one, still has its data, answers reads, and follows the same master.
    func expectUntouched(
        _ names: [String]? = nil, keys: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for replica in names ?? replicas {
            let count = try await ask(cluster, replica, "DBSIZE")
            #expect(count == .integer(Int64(keys ?? options.keys)), "\(replica)", sourceLocation: sourceLocation)
            let value = try await ask(cluster, replica, "GET", "key:1")
            #expect(value.text?.hasPrefix("1:") == true, "\(replica): \(value)", sourceLocation: sourceLocation)
            let info = try await info(cluster, replica)
            #expect(info["role"] == "slave", "\(replica)", sourceLocation: sourceLocation)
            #expect(
                info["master_host"] == Self.name && info["master_port"] == "\(master.port)",
                "\(replica) follows \(info["master_host"] ?? "?")", sourceLocation: sourceLocation)
        }
    }

    /// Slows every replica's RDB down, by so many microseconds a key; zero as before.
    func slow(microseconds: Int) async throws {
        for replica in replicas where await cluster.isRunning(replica) {
            let reply = try await ask(cluster, replica, "CONFIG", "SET", "rdb-key-save-delay", "\(microseconds)")
            try #require(reply.text == "OK", "\(reply)")
        }
    }

    /// Waits until some of the data is here, and not all of it.
    func waitUntilUnderWay(_ master: LocalCluster, bytes: Int = 1) async throws {
        try await master.wait(until: "the copy grows", of: "master", within: .seconds(20)) {
            let file = "data/redis-replica-init.copy.rdb"
            guard let size = self.scratch.size(of: file) else { return .notYet("no file") }
            return Observation(size >= bytes, else: "\(size) bytes")
        }
    }
}

extension Scratch {
    /// Bytes of a file; nil where there is none.
    func size(of name: String) -> Int? {
        var information = stat()
        return stat(self[name], &information) == 0 ? Int(information.st_size) : nil
    }
}
