internal import LocalTopology

/// The ports that the cluster needs and something else has: all of them, so that one more try is enough.
struct TakenPorts: Error, CustomStringConvertible {
    let endpoints: [Endpoint]
    let layout: Layout

    var description: String {
        let names = endpoints.map(\.description).joined(separator: ", ")
        return endpoints.count == 1 ? "the port \(names) is taken" : "these ports are taken: \(names)"
    }

    /// What to do about it, as lines that work as they stand.
    /// - Parameter target: Of the Makefile.
    func cure(target: String) -> String {
        let ports = Set(endpoints.map(\.port)).sorted()
        let filter = ports.map { "sport = :\($0)" }.joined(separator: " or ")
        let command = target == "run" ? "kv-local" : "kv-local \(target)"
        let free = layoutWithFreePorts
        return """
            Another `make run` may have \(endpoints.count == 1 ? "it" : "them"), or \(holders). This command names who has: \
            ss -ltnp '\(filter)'
            Stop that, or use other ports: make \(target)\(free.makeVariables)   (\(command)\(free.options))
            """
    }

    /// Who may have the ports that are no `make run`.
    private var holders: String {
        var holders: [String] = []
        if takes(.apps) { holders.append("a NodePort of a Kubernetes on this machine") }
        if takes(.servers) { holders.append("a Redis of yours") }
        if takes(.sidecars) { holders.append("a program of yours") }
        return holders.joined(separator: ", or ")
    }

    private func takes(_ group: Layout.PortGroup) -> Bool {
        layout.endpoints(of: group).contains { endpoints.contains($0) }
    }

    /// What was asked for, with the next ports that are free in place of those that are taken.
    private var layoutWithFreePorts: Layout {
        var free = layout
        for group in Layout.PortGroup.allCases where takes(group) {
            for step in 1...100 {
                var tried = free
                switch group {
                case .apps: tried.port = layout.port + 10 * step
                case .servers: tried.redisPort = layout.redisPort + 10 * step
                case .sidecars: tried.sidecarPort = layout.sidecarPort + 10 * step
                }
                guard (try? tried.validate()) != nil,
                    tried.endpoints(of: group).allSatisfy({ (try? $0.isFree) == true })
                else { continue }
                free = tried
                break
            }
        }
        return free
    }
}

extension Layout {
    /// What differs from the defaults.
    private var changes: [(variable: String, option: String, value: Int)] {
        var changes: [(String, String, Int)] = []
        if port != Self.defaultPort { changes.append(("PORT", "--port", port)) }
        if redisPort != Self.defaultRedisPort { changes.append(("REDIS_PORT", "--redis-port", redisPort)) }
        if sidecarPort != Self.defaultSidecarPort { changes.append(("SIDECAR_PORT", "--sidecar-port", sidecarPort)) }
        if apps != Self.defaultApps { changes.append(("APPS", "--apps", apps)) }
        if replicas != Self.defaultReplicas { changes.append(("REPLICAS", "--replicas", replicas)) }
        return changes
    }

    /// For `make`.
    var makeVariables: String { changes.map { " \($0.variable)=\($0.value)" }.joined() }

    /// For `kv-local`.
    var options: String { changes.map { " \($0.option) \($0.value)" }.joined() }
}

extension Endpoint {
    /// Whether nothing listens there.
    var isFree: Bool {
        get throws(LocalTopologyError) {
            do throws(LocalTopologyError) {
                try Loopback.checkFree(self)
                return true
            } catch .taken {
                return false
            }
        }
    }
}
