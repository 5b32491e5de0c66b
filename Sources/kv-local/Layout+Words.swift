internal import LocalTopology
internal import SystemPackage

extension Layout {
    var welcome: String {
        let base = "http://127.0.0.1:\(port)"
        return """

            Replication is up: one master, \(replicas) replicas with a sidecar each, \(apps) apps behind port \(port).
            Try, in another terminal:

              curl -X POST -H 'Content-Type: application/json' -d '{"key":"key_1","value":"value_1"}' \(base)/set
                {"key":"key_1","value":"value_1","redis_replication":"# Replication\\r\\nrole:master\\r\\n\
            connected_slaves:\(replicas)\\r\\n…","action":"SET","pod_ip":"127.0.0.11"}

              curl '\(base)/get?key=key_1'
                {"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\\r\\nrole:slave\\r\\n…",\
            "action":"GET","pod_ip":"127.0.0.12"}

              for i in $(seq 12); do curl -s '\(base)/get?key=key_1' | grep -o '"pod_ip":"[^"]*"'; done
                the apps take turns

              curl http://127.0.0.2:\(sidecarPort)/status
                what the first replica's sidecar sees and decides: {"ready": true, …, "state": "in-step", …}

            The page is at \(base)/ . Kill a server, see what the page says, and start the server again:

            \(serverCommands.map { "  \($0)" }.joined(separator: "\n"))

            Ctrl-C stops everything.
            """
    }

    /// A command to kill each server, and one to start it again, as a shell takes them in any folder.
    private var serverCommands: [String] {
        serverNames.flatMap { [command(.kill($0)), command(.start($0))] }
    }

    private var serverNames: [String] { [Self.masterName] + (1...replicas).map(Self.replicaName) }

    func command(_ command: ServerCommand) -> String {
        let port = redisPort == Self.defaultRedisPort ? "" : " --redis-port \(redisPort)"
        return "\(Programs.running.string.quotedForShell) \(command.line)\(port)"
    }

    func obituary(_ death: LocalCluster.UnexpectedEnding) -> String {
        """
        \(death.node) \(death.ending), though kv-local did not end it; the others go on.
        \(death.log)
        Start it again: \(command(.start(death.node)))
        """
    }
}

extension String {
    /// As one word of a shell.
    var quotedForShell: String {
        let isPlain = allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0)) }
        if isPlain, !isEmpty { return self }
        return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension LocalTopologyError {
    /// As in sysexits.h: 69 something needed is unavailable, 70 something of ours went wrong, 71 the system refused.
    var exitCode: Int32 {
        switch self {
        case .taken, .notBuilt, .notInstalled: 69
        case .system, .spawn: 71
        case .unknownNode, .notRunning, .died, .timedOut: 70
        }
    }
}
