public import Hiredis

extension LocalCluster {
    /// Sends commands to a Redis node, in order and over one connection, and returns their replies.
    ///
    /// An error reply is a reply, not a throw.
    /// - Parameter timeout: The longest the connect, and then each reply, may take.
    public nonisolated func redis(
        _ name: String, _ commands: [[String]], timeout: Duration = .seconds(2)
    ) async throws -> [BlockingReply] {
        let node = try await node(name)
        return try await offPool(in: node.network) {
            var connection = try BlockingConnection(
                host: node.endpoint.host, port: node.endpoint.port, timeout: timeout)
            var replies: [BlockingReply] = []
            for command in commands {
                replies.append(try connection.command(command.map { Array($0.utf8) }))
            }
            return replies
        }
    }

    /// Sends one command to a Redis node.
    public nonisolated func redis(
        _ name: String, _ command: String..., timeout: Duration = .seconds(2)
    ) async throws -> BlockingReply {
        try await redis(name, [command], timeout: timeout)[0]
    }

    /// The fields of a node's `INFO section`.
    public nonisolated func info(
        _ name: String, section: String = "replication"
    ) async throws -> [String: String] {
        let reply = try await redis(name, "INFO", section)
        var fields: [String: String] = [:]
        for line in (reply.text ?? "").split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
        return fields
    }

    /// Sends HTTP requests to a node's endpoint over one connection.
    public nonisolated func http(
        _ name: String, _ requests: LoopbackHTTP.Request..., timeout: Duration = .seconds(5)
    ) async throws -> [LoopbackHTTP.Response] {
        let node = try await node(name)
        return try await LoopbackHTTP.exchange(requests, with: node.endpoint, from: node.network, timeout: timeout)
    }
}
