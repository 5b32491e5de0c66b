internal import LocalTopology

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

            The page is at \(base)/ . Ctrl-C stops everything.
            """
    }

    static func obituary(_ death: LocalCluster.UnexpectedEnding) -> String {
        "\(death.node) \(death.ending), though nobody here told it to; the others go on.\n\(death.log)"
    }

    /// What to do about a taken port; the other errors say it themselves.
    /// - Parameter target: Of the Makefile.
    func cure(of error: LocalTopologyError, target: String) -> String? {
        guard case .taken(let endpoint) = error else { return nil }
        let (holder, variable, option, other) =
            switch endpoint.port {
            case port: ("a NodePort of a Kubernetes on this machine", "PORT", "--port", port + 10)
            case sidecarPort: ("a program of yours", "SIDECAR_PORT", "--sidecar-port", sidecarPort + 10)
            default: ("a Redis of yours", "REDIS_PORT", "--redis-port", redisPort + 10)
            }
        let command = target == "run" ? "kv-local" : "kv-local \(target)"
        return """
            It may be another `make run`, or \(holder); `ss -ltnp sport = :\(endpoint.port)` names it.
            Stop that, or use another port: make \(target) \(variable)=\(other)   (\(command) \(option) \(other))
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
