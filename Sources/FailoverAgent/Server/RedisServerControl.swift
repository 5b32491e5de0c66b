package import NIOCore
import RedisClient
import RedisCore
import ReplicaReconciler

/// Controls a redis-server by its commands, and ends its process where it does not obey.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class RedisServerControl: ServerControl {
    /// From an answer that may change to the next question.
    private static let pace: TimeAmount = .milliseconds(5)
    /// How long writes are paused between promotion and ``takeWrites(within:_:)`` at the most: longer than any lease.
    private static let holdMilliseconds = 60_000
    /// The interval between two observations until a server has its backlog.
    private static let backlogInterval = TimeAmount.milliseconds(5)

    private let server: ServerConnection
    private let eventLoop: any EventLoop
    /// What the configuration asks for while the server takes writes.
    private let minimumReplicas: (count: Int, lagSeconds: Int)
    private let kill: @Sendable () async -> Void
    private var isPausedByGate = false
    /// The promotion holds writes.
    private var isPaused = false

    /// - Parameter kill: sends SIGKILL and returns when the process is gone.
    package convenience init(
        _ location: ServerLocation, minimumReplicas: (count: Int, lagSeconds: Int), eventLoop: any EventLoop,
        kill: @escaping @Sendable () async -> Void
    ) {
        self.init(
            ServerConnection(location, eventLoop: eventLoop), minimumReplicas: minimumReplicas, eventLoop: eventLoop,
            kill: kill)
    }

    /// - Parameter kill: sends SIGKILL and returns when the process is gone.
    init(
        _ server: ServerConnection, minimumReplicas: (count: Int, lagSeconds: Int), eventLoop: any EventLoop,
        kill: @escaping @Sendable () async -> Void
    ) {
        self.server = server
        self.minimumReplicas = minimumReplicas
        self.eventLoop = eventLoop
        self.kill = kill
    }

    package func fence(within limit: Duration, _ completion: @escaping (FenceOutcome) -> Void) {
        fence(until: .now() + .init(limit), reason: "did not answer in time", completion)
    }

    private func fence(until due: NIODeadline, reason: String, _ completion: @escaping (FenceOutcome) -> Void) {
        let left = due - .now()
        guard left > .zero else { return killServer(.killed(reason), completion) }
        server.ask(FencePlan.commands, within: .nanoseconds(left.nanoseconds)) { reply in
            var reason = reason
            switch reply {
            case .success(let answers):
                switch FencePlan.verdict(answers) {
                case .refusesWrites:
                    self.isPaused = false
                    // Whether it is known, and what comes of it, changes nothing of the fence. A promotion that did not come to
                    // its end leaves no setting behind.
                    self.server.ask(FencePlan.release + self.openGate, within: limit(until: due)) { _ in }
                    return completion(.refusesWrites)
                case .takesWrites(let reason): return self.killServer(.killed(reason), completion)
                case .notYet(let words): reason = words
                }
            case .failure(let failure):
                // Nothing listens: its process is gone, or will listen later.
                if failure.isRefused { return self.killServer(.gone, completion) }
                if NIODeadline.now() < due { reason = failure.description }
            }
            self.eventLoop.assumeIsolated().scheduleTask(in: Self.pace) {
                self.fence(until: due, reason: reason, completion)
            }
        }
    }

    private func killServer(_ outcome: FenceOutcome, _ completion: @escaping (FenceOutcome) -> Void) {
        let kill = self.kill
        let eventLoop = self.eventLoop
        let bound = NIOLoopBound(completion, eventLoop: eventLoop)
        Task {
            await kill()
            eventLoop.execute { bound.value(outcome) }
        }
    }

    package func promote(
        within limit: Duration, _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void
    ) {
        look(limit) { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let answer): self.promote(answer, limit, completion)
            }
        }
    }

    private func promote(
        _ answer: ServerAnswer, _ limit: Duration,
        _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void
    ) {
        isPaused = answer.pausesWritesAlone
        // In one transaction: at no moment a master that takes writes. A master becomes a replica first, so that its history
        // gets another name. The pause holds writes, also those of scripts, and no client sees an error. It begins no sooner:
        // on a replica it stops the master's stream, and 6.2.5 counts what it has not applied then (redis/redis#9448).
        let hold = isPaused ? [command("CLIENT", "PAUSE", "\(Self.holdMilliseconds)", "WRITE")] : closedGate
        let commands =
            hold + [
                command("REPLICAOF", FencePlan.nowhere.host, FencePlan.nowhere.port),
                command("REPLICAOF", "NO", "ONE"),
            ]
        server.ask([command("MULTI")] + commands + [command("EXEC")], within: limit) { reply in
            guard let error = Self.error(reply, transaction: commands.count) else {
                return self.ensureBacklog(limit, completion)
            }
            completion(.failure(error))
        }
    }

    /// A master without a backlog changes the name of its history with its first replica (6.0 to 9.1, ran). A replica that
    /// asks for a copy and leaves before it begins gives it one.
    private func ensureBacklog(
        _ limit: Duration, _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void
    ) {
        look(limit) { result in
            guard case .success(let answer) = result, !answer.hasBacklog else {
                return completion(result.flatMap(self.promotion))
            }
            let names = ["repl-diskless-sync", "repl-diskless-sync-delay"]
            self.server.ask(names.map { command("CONFIG", "GET", $0) }, within: limit) { reply in
                guard case .success(let values) = reply, let sync = values[0].settings[names[0]],
                    let delay = values[1].settings[names[1]]
                else {
                    return completion(
                        .failure(Self.error(reply, transaction: nil) ?? .init("does not answer CONFIG GET")))
                }
                let wait = [
                    command("CONFIG", "SET", names[0], "yes"), command("CONFIG", "SET", names[1], "60"),
                ]
                let restore = [
                    command("CONFIG", "SET", names[0], sync), command("CONFIG", "SET", names[1], delay),
                ]
                self.server.ask(wait, within: limit) { reply in
                    if let error = Self.error(reply, transaction: nil) { return completion(.failure(error)) }
                    self.attachReplica(until: .now() + .init(limit)) { result in
                        self.server.ask(restore, within: limit) { _ in completion(result) }
                    }
                }
            }
        }
    }

    private func attachReplica(
        until due: NIODeadline, _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void
    ) {
        let replica = ServerConnection(server.location, eventLoop: eventLoop)
        let limit = Duration.nanoseconds(max(1, (due - .now()).nanoseconds))
        // One that could not take a copy without a disk would get one at once. PSYNC is refused while a reply is on its way.
        replica.ask([command("REPLCONF", "capa", "eof", "capa", "psync2")], within: limit) { reply in
            if let error = Self.error(reply, transaction: nil) { return completion(.failure(error)) }
            // It is not answered before the copy begins, which it never does.
            replica.ask([command("PSYNC", "?", "-1")], within: limit) { _ in }
            self.awaitBacklog(until: due) { result in
                replica.close()
                completion(result)
            }
        }
    }

    private func awaitBacklog(
        until due: NIODeadline, _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void
    ) {
        look(.nanoseconds(max(1, (due - .now()).nanoseconds))) { result in
            switch result {
            case .success(let answer) where !answer.hasBacklog && NIODeadline.now() < due:
                self.eventLoop.assumeIsolated().scheduleTask(in: Self.backlogInterval) {
                    self.awaitBacklog(until: due, completion)
                }
            case .success(let answer) where !answer.hasBacklog:
                completion(.failure(.init("did not make a replication backlog in time")))
            case .success, .failure: completion(result.flatMap(self.promotion))
            }
        }
    }

    private func promotion(_ answer: ServerAnswer) -> Result<Promotion, ServerControlError> {
        guard answer.information.replication.role == .master, isPaused || answer.refusesWrites else {
            return .failure(ServerControlError("is no master that refuses writes after its promotion"))
        }
        return .success(Promotion(history: answer.information.replication.replicationID, run: answer.run))
    }

    private func look(_ limit: Duration, _ completion: @escaping (Result<ServerAnswer, ServerControlError>) -> Void) {
        server.ask(ServerAnswer.commands, within: limit) { reply in
            switch reply {
            case .success(let values):
                completion(ServerAnswer(values).map { .success($0) } ?? .failure(.init("gave no answer to INFO")))
            case .failure(let failure): completion(.failure(.init(failure.description)))
            }
        }
    }

    package func takeWrites(within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void) {
        isPausedByGate = false
        let commands = isPaused ? FencePlan.release : openGate
        isPaused = false
        server.ask(commands, within: limit) { completion(Self.error($0, transaction: nil)) }
    }

    /// For 6.0, which knows only a pause of all commands. Scripts with writes pass it.
    private var closedGate: [[[UInt8]]] {
        [
            command("CONFIG", "SET", "min-replicas-max-lag", "10"),
            command("CONFIG", "SET", "min-replicas-to-write", "\(WriteGate.closed)"),
        ]
    }

    private var openGate: [[[UInt8]]] {
        [
            command("CONFIG", "SET", "min-replicas-max-lag", "\(minimumReplicas.lagSeconds)"),
            command("CONFIG", "SET", "min-replicas-to-write", "\(minimumReplicas.count)"),
        ]
    }

    package func pauseWrites(
        for time: Duration, within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void
    ) {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        look(limit) { result in
            guard case .success(let answer) = result else { return completion(.init("does not answer")) }
            self.isPausedByGate = !answer.pausesWritesAlone
            let commands =
                answer.pausesWritesAlone
                ? [command("CLIENT", "PAUSE", "\(milliseconds)", "WRITE")]
                : self.closedGate
            self.server.ask(commands, within: limit) { completion(Self.error($0, transaction: nil)) }
        }
    }

    package func resumeWrites(within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void) {
        let commands = isPausedByGate ? openGate : [command("CLIENT", "UNPAUSE")]
        isPausedByGate = false
        server.ask(commands, within: limit) { completion(Self.error($0, transaction: nil)) }
    }

    /// Neither this connection nor those of replicas and of subscribers.
    package func endClientConnections(
        within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void
    ) {
        server.ask([command("CLIENT", "KILL", "TYPE", "normal")], within: limit) {
            completion(Self.error($0, transaction: nil))
        }
    }

    package func follow(
        host: String, port: Int, within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void
    ) {
        server.ask([command("REPLICAOF", host, "\(port)")], within: limit) {
            completion(Self.error($0, transaction: nil))
        }
    }

    /// What went wrong; `nil` where every command succeeded.
    ///
    /// - Parameter count: how many commands the transaction has; `nil` for single commands.
    private static func error(_ reply: ServerConnection.Reply, transaction count: Int?) -> ServerControlError? {
        switch reply {
        case .failure(let failure): return ServerControlError(failure.description)
        case .success(var values):
            if let count {
                guard case .array(let results)? = values.last, results.count == count else {
                    return values.compactMap(\.refusal).first ?? ServerControlError("did not carry out a transaction")
                }
                values = results
            }
            return values.compactMap(\.refusal).first
        }
    }
}

private func limit(until due: NIODeadline) -> Duration { .nanoseconds(max(1, (due - .now()).nanoseconds)) }

extension RedisValue {
    var isOK: Bool { self == .simple(Array("OK".utf8)) }

    /// An error reply's code: the rest may quote what was sent.
    fileprivate var refusal: ServerControlError? {
        guard case .error(let text) = self else { return nil }
        let code = String(decoding: text.prefix { $0 != UInt8(ascii: " ") }.prefix(32), as: UTF8.self)
        return ServerControlError("answers with -\(code)")
    }

    /// The answer to CONFIG GET.
    var settings: [String: String] {
        guard case .array(let words) = self else { return [:] }
        var settings: [String: String] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            if case .bulk(let name) = words[index], case .bulk(let value) = words[index + 1] {
                settings[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            }
        }
        return settings
    }
}
