internal import Hiredis

/// The result of checking a condition once.
public enum Observation: Hashable, Sendable {
    case satisfied
    /// Not yet, and what there is instead: it ends up in the time-out's message.
    case notYet(String)

    public init(_ isSatisfied: Bool, else seen: String) { self = isSatisfied ? .satisfied : .notYet(seen) }
}

extension LocalCluster {
    /// Checks repeatedly until the condition is true.
    ///
    /// A check that throws counts as "not yet": a server that starts refuses connections first. If the node ends meanwhile
    /// the wait ends with ``LocalTopologyError/died(node:ending:log:)`` at once.
    /// - Parameters:
    ///   - condition: Completes "waiting until …", for instance "replica-1's link is up".
    ///   - name: The node whose log the time-out shows, and whose death ends the wait.
    ///   - look: Takes its own time-outs; it is cancelled at the deadline.
    public nonisolated func wait(
        until condition: String, of name: String? = nil, within limit: Duration = .seconds(30),
        _ look: @escaping @Sendable () async throws -> Observation
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var seen = "nothing"
        repeat {
            do {
                switch try await look() {
                case .satisfied: return
                case .notYet(let what): seen = what
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                seen = "\(error)"
            }
            if let name, let ending = await ending(of: name) {
                throw LocalTopologyError.died(node: name, ending: ending, log: await logTail(of: name))
            }
            try await Task.sleep(for: .milliseconds(20))
        } while clock.now < deadline
        let log: LogTail? = if let name { await logTail(of: name) } else { nil }
        throw LocalTopologyError.timedOut(condition: condition, within: limit, seen: seen, log: log)
    }

    /// Waits until a node has ended by itself, and says how.
    package nonisolated func waitUntilEnded(_ name: String, within limit: Duration = .seconds(30)) async throws
        -> Ending
    {
        try await wait(until: "\(name) has ended", within: limit) {
            Observation(await self.ending(of: name) != nil, else: "it runs")
        }
        guard let ending = await ending(of: name) else { throw LocalTopologyError.notRunning(node: name) }
        return ending
    }

    /// Waits until the node is up, as its spec defines that.
    /// - Parameter limit: `nil` for the spec's `startDeadline`.
    public nonisolated func waitUntilUp(_ name: String, within limit: Duration? = nil) async throws {
        let node = try await node(name)
        let limit = limit ?? spec.startDeadline
        switch node.readiness {
        case .running:
            return
        case .answers:
            // Not PING: redis-replica-init answers that too, as the placeholder master during a restore from replicas.
            try await wait(until: "\(name) answers on \(node.endpoint)", of: name, within: limit) {
                let reply = try await self.redis(name, "DBSIZE")
                return Observation(reply.text != nil, else: reply.errorText ?? "\(reply)")
            }
        case .linkUp:
            try await wait(until: "\(name) is linked to its master", of: name, within: limit) {
                let info = try await self.info(name)
                return Observation(
                    info["role"] == "slave" && info["master_link_status"] == "up",
                    else: "role \(info["role"] ?? "?"), master link \(info["master_link_status"] ?? "?")")
            }
        case .http(let path, let hostname):
            try await wait(until: "\(name) answers 200 on \(node.endpoint)\(path)", of: name, within: limit) {
                try await self.look(at: path, of: hostname, on: node)
            }
        }
    }

    /// Waits until the master lists this many replicas, all of them online, and what it sends reaches each of them.
    ///
    /// "Online" is not enough: after a diskless synchronisation the stream begins with the replica's first acknowledgement,
    /// up to a second later (redis/redis `src/replication.c`, `repl_start_cmd_stream_on_ack`). A PUBLISH is sent to the
    /// replicas as a write is, and changes no data.
    public nonisolated func wait(
        untilReplicasOf name: String, are count: Int, within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) lists \(count) replicas online", of: name, within: limit) {
            let info = try await self.info(name)
            let online = info.count { $0.key.hasPrefix("slave") && $0.value.contains("state=online") }
            guard info["connected_slaves"] == "\(count)", online == count else {
                return .notYet("connected_slaves \(info["connected_slaves"] ?? "?"), \(online) online")
            }
            let reached = try await self.redis(
                name, [["PUBLISH", "redis-replica-kit", "in step"], ["WAIT", "\(count)", "1000"]])[1]
            return Observation(reached == .integer(Int64(count)), else: "the stream reaches \(reached) of \(count)")
        }
    }

    /// Asks for the name and the path over one connection, since the kernel picks which sharer of the port gets it.
    private nonisolated func look(
        at path: String, of hostname: String?, on node: NodeSpec
    ) async throws -> Observation {
        guard let hostname else {
            let answer = try await LoopbackHTTP.exchange([.get(path)], with: node.endpoint, from: node.network)[0]
            return Observation(answer.status == 200, else: "\(answer.status): \(answer.text)")
        }
        var others: Set<String> = []
        for _ in 0..<32 {
            let answers = try await LoopbackHTTP.exchange(
                [.get("/"), .get(path)], with: node.endpoint, from: node.network)
            if answers[0].text.contains("<\(hostname)>") {
                return Observation(answers[1].status == 200, else: "\(answers[1].status): \(answers[1].text)")
            }
            others.insert(answers[0].text)
        }
        return .notYet("the port answers as " + others.sorted().joined(separator: ", "))
    }
}
