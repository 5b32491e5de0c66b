import LocalTopology

/// The whole system as the tests run it: a master and replicas through redis-replica-init, with sidecars where they are
/// wanted, and apps on one port.
struct KeyValueCluster {
    let master: NodeSpec
    let replicas: [NodeSpec]
    let sidecars: [NodeSpec]
    let apps: [NodeSpec]

    /// - Parameters:
    ///   - hasSidecars: whether each replica has one, at its address and a port that all of them have.
    ///   - configuration: what the init rewrites for each server.
    init(
        replicas replicaCount: Int = 2, apps appCount: Int, hasSidecars: Bool = false,
        configuration: NodeSpec.Configuration = .lines([])
    ) throws {
        let ports = try Loopback.freePorts(replicaCount + 3)
        let initProgram = try Programs.built("redis-replica-init")
        let masterEndpoint = Endpoint(port: ports[0])
        let replicaEndpoints = (0..<replicaCount).map { Endpoint(host: "127.0.0.\($0 + 2)", port: ports[$0 + 1]) }
        master = .redisThroughInit(
            "master", program: initProgram, at: masterEndpoint, configuration: configuration,
            arguments: ["--appendonly", "yes", "--repl-diskless-sync-delay", "0"])
        replicas = replicaEndpoints.enumerated().map { index, endpoint in
            .redisThroughInit(
                "replica-\(index + 1)", program: initProgram, at: endpoint, replicaOf: masterEndpoint,
                configuration: configuration)
        }
        let sidecarProgram = try Programs.built("redis-replica-sidecar")
        sidecars = replicas.prefix(hasSidecars ? replicaCount : 0).enumerated().map { index, replica in
            .sidecar(
                "sidecar-\(index + 1)", program: sidecarProgram,
                at: Endpoint(host: replica.endpoint.host, port: ports[replicaCount + 2]), beside: replica)
        }
        let program = try Programs.built("KVApp")
        let appEndpoint = Endpoint(port: ports[replicaCount + 1])
        apps = (1...max(appCount, 1)).prefix(appCount).map { number in
            var app = NodeSpec.app(
                "app-\(number)", program: program, at: appEndpoint, podIP: "127.0.0.\(10 + number)",
                master: masterEndpoint, replicas: replicaEndpoints)
            // Tests that write their requests themselves call every host so.
            app.environment["ALLOWED_HOSTS"] = "a"
            return app
        }
    }

    var spec: ClusterSpec { ClusterSpec([master] + replicas + sidecars + apps) }
}

extension LocalCluster {
    /// Waits until an app answers this with 200.
    nonisolated func wait(
        untilServed request: LoopbackHTTP.Request, by name: String = "app", within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(request.method) \(request.path) is answered 200", of: name, within: limit) {
            let answer = try await self.http(name, request)[0]
            return Observation(answer.status == 200, else: "\(answer.status): \(answer.text)")
        }
    }
}

extension LoopbackHTTP.Request {
    static func set(_ json: String, headers: [String] = ["Content-Type: application/json"]) -> LoopbackHTTP.Request {
        LoopbackHTTP.Request("POST", "/set", headers: headers, body: Array(json.utf8))
    }
}

extension LoopbackHTTP.Response {
    /// The stable code of a problem answer.
    var code: String? {
        header("Content-Type") == "application/problem+json" ? text.string(after: "\"code\":\"") : nil
    }
}

extension String {
    /// What stands between `marker` and the next quote.
    func string(after marker: String) -> String? {
        indices.first { self[$0...].hasPrefix(marker) }
            .map { String(self[$0...].dropFirst(marker.count).prefix { $0 != "\"" }) }
    }
}
