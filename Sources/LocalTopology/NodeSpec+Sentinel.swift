public import SystemPackage

extension NodeSpec {
    /// A Sentinel, with its file in its own folder. It finds the other Sentinels and the replicas at the master.
    /// - Parameters:
    ///   - server: A redis-server or a valkey-server.
    ///   - master: The server that is the master now.
    ///   - masterName: Its name among the Sentinels.
    ///   - quorum: How many Sentinels have to call it down.
    ///   - downAfter: For how long it may be silent.
    ///   - failoverTimeout: After which a fail-over that does not go on is given up.
    ///   - lines: Further lines of its file; `{name}` is not replaced in them.
    public static func sentinel(
        _ name: String, server: FilePath, at endpoint: Endpoint, watching master: Endpoint, as masterName: String,
        quorum: Int = 2, downAfter: Duration = .milliseconds(500), failoverTimeout: Duration = .seconds(3),
        lines: [String] = []
    ) -> NodeSpec {
        var all = ["bind \(endpoint.host)", "port \(endpoint.port)", "dir ."]
        // From 7.0 on a bind does not lift the protection.
        if !endpoint.host.hasPrefix("127.") { all.append("protected-mode no") }
        all += [
            "sentinel monitor \(masterName) \(master.host) \(master.port) \(quorum)",
            "sentinel down-after-milliseconds \(masterName) \(downAfter.milliseconds)",
            "sentinel failover-timeout \(masterName) \(failoverTimeout.milliseconds)",
        ]
        return NodeSpec(
            name: name, executable: server, arguments: ["redis.conf", "--sentinel"],
            configuration: .lines(all + lines), endpoint: endpoint, readiness: .running, isRedis: true)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
