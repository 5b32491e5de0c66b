internal import LocalTopology

extension Layout {
    var welcome: String {
        let base = "http://127.0.0.1:\(port)"
        return """

            Replication is up: one master, \(replicas) replicas, \(apps) apps behind port \(port). Try, in another terminal:

              curl -X POST -H 'Content-Type: application/json' -d '{"key":"key_1","value":"value_1"}' \(base)/set
                {"key":"key_1","value":"value_1","redis_replication":"# Replication\\r\\nrole:master\\r\\n\
            connected_slaves:\(replicas)\\r\\n…","action":"SET","pod_ip":"127.0.0.11"}

              curl '\(base)/get?key=key_1'
                {"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\\r\\nrole:slave\\r\\n…",\
            "action":"GET","pod_ip":"127.0.0.12"}

              for i in $(seq 12); do curl -s '\(base)/get?key=key_1' | grep -o '"pod_ip":"[^"]*"'; done
                the apps take turns

            The page is at \(base)/ . Ctrl-C stops everything.
            """
    }

    static func obituary(_ death: LocalCluster.UnexpectedEnding) -> String {
        "\(death.node) \(death.ending), though nobody here told it to; the others go on.\n\(death.log)"
    }

    /// What to do about a taken port; the other errors say it themselves.
    func cure(of error: LocalTopologyError) -> String? {
        guard case .taken(let endpoint) = error else { return nil }
        let isShared = endpoint.port == port
        let holder =
            isShared
            ? "another `make run`, or a NodePort of a Kubernetes on this machine"
            : "another `make run`, or a Redis of yours"
        let other =
            isShared
            ? "make run PORT=\(port + 10)   (kv-local --port \(port + 10))"
            : "make run REDIS_PORT=\(redisPort + 10)   (kv-local --redis-port \(redisPort + 10))"
        return """
            It may be \(holder); `ss -ltnp sport = :\(endpoint.port)` names it.
            Stop that, or use another port: \(other)
            """
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
