import Glibc
import Hiredis
import RedisCore
import ReplicaPlanning

/// Asks the local server one question and ends with 0 or 1 and one line why, within its deadline.
enum Probe {
    static func perform(_ invocation: Invocation) throws(Failure) {
        guard let options = invocation.probe else { return }
        let deadline = Deadline(milliseconds: options.timeoutMilliseconds)
        signal(SIGPIPE, SIG_IGN)
        ProbeEnd.schedule(
            after: options.timeoutMilliseconds,
            saying: "\(options.question.failure): the configuration or a secret was not read within "
                + "\(options.timeoutMilliseconds) ms; its disk does not answer")
        let target = try decide { () throws(PlanError) in
            try ProbeTarget(
                options, invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles())
        }
        ProbeEnd.cancel()
        let answer: Answer
        do throws(ProbeFailure) {
            answer = try ask(options, target, deadline)
        } catch {
            answer = .no("\(options.question.failure): \(error.reason)")
        }
        switch answer {
        case .yes(let line): Terminal.print(line + "\n")
        case .no(let line):
            Terminal.complain([line])
            Host.exit(1)
        }
    }

    private enum Answer {
        case yes(String)
        case no(String)
    }

    /// Asks at the first way in that is open.
    private static func ask(
        _ options: ProbeOptions, _ target: ProbeTarget, _ deadline: Deadline
    ) throws(ProbeFailure) -> Answer {
        var refusals: [String] = []
        for endpoint in target.endpoints {
            do throws(ProbeFailure) {
                var connection = try ProbeConnection(to: endpoint, before: deadline)
                if case .tls(_, let port) = endpoint {
                    guard options.question == .live else {
                        throw .unanswered("port \(port) speaks TLS only, and there is no unixsocket to ask at")
                    }
                    return .yes("live: TLS port \(port) takes connections, and there is no unixsocket to ask at")
                }
                switch options.question {
                case .live: return try askLive(&connection)
                case .ready: return try askReady(options, target, &connection)
                case .role: return try askRole(target, &connection)
                }
            } catch {
                guard case .unreachable(let reason) = error else { throw error }
                refusals.append(reason)
            }
        }
        throw .unreachable(
            refusals.isEmpty ? "the configuration names nothing to connect to" : refusals.joined(separator: ", "))
    }

    /// Without a password: to be asked for one is a sign of life.
    private static func askLive(_ connection: inout ProbeConnection) throws(ProbeFailure) -> Answer {
        let reply = try connection.ask("PING")
        let liveness =
            reply.errorText.map(Liveness.init(error:)) ?? (reply.text == "PONG" ? .answers : .notRedis)
        return liveness.isAlive ? .yes("\(liveness)") : .no("\(liveness)")
    }

    private static func askReady(
        _ options: ProbeOptions, _ target: ProbeTarget, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> Answer {
        let rule = ReadinessRule(
            requiresLink: options.requiresLink, maximumSilenceSeconds: options.maximumLagSeconds,
            maximumUnappliedBytes: options.maximumLagBytes)
        let refusal = try logIn(target, &connection)
        let persistence = try info("persistence", refusal, &connection)
        var replication = try replication(refusal, &connection)
        let isLoading = ReplicationInfo.isLoading(persistence)
        var version = ""
        var assumption = ""
        if let link = replication.masterLink, !link.isUp, !link.isSynchronising, !isLoading {
            let stale = try staleReads(target, refusal, &connection)
            replication.masterLink?.refusesStaleReads = stale.areRefused
            assumption = stale.assumption.map { "; \($0)" } ?? ""
            if replication.isCopyIncomplete {
                let keyspace = try info("keyspace", refusal, &connection)
                replication.masterLink?.lostItsData = !ReplicationInfo.holdsKeys(keyspace)
                version = Self.version(try info("server", refusal, &connection))
            }
        }
        let readiness = rule.verdict(on: replication, isLoading: isLoading, version: version)
        // Only these two verdicts depend on it.
        switch readiness {
        case .ready(.linkLost): return .yes("\(readiness)\(assumption)")
        case .notReady(.refusesStaleReads): return .no("\(readiness)\(assumption)")
        default: return readiness.isReady ? .yes("\(readiness)") : .no("\(readiness)")
        }
    }

    /// Whether a server whose link is down answers reads with `-MASTERDOWN`.
    ///
    /// DBSIZE is a read: it shows what others would be answered. So does PING, from 7.0 on, for a user who may not run DBSIZE.
    /// A user that may run neither learns what the configuration says, and what right is missing.
    private static func staleReads(
        _ target: ProbeTarget, _ refusal: String?, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> (areRefused: Bool, assumption: String?) {
        guard let error = try connection.ask("DBSIZE").errorText else { return (false, nil) }
        if error.hasPrefix("MASTERDOWN") { return (true, nil) }
        let ping = try connection.ask("PING")
        if let error = ping.errorText, error.hasPrefix("MASTERDOWN") { return (true, nil) }
        if ping.errorText == nil {
            let server = try info("server", refusal, &connection)
            let release = line("redis_version:", of: server).prefix { $0 != "." }
            if let major = Int(release), major >= 7 { return (false, nil) }
        }
        let cause =
            isUnknownCommand(error)
            ? "the server does not know DBSIZE: its configuration renames it (rename-command)"
            : "this user may not run DBSIZE: grant it +dbsize (ACL SETUSER)"
        return (!target.servesStaleData, "whether it answers old data is what the configuration says, since \(cause)")
    }

    private static func isUnknownCommand(_ error: String) -> Bool { error.hasPrefix("ERR unknown command") }

    private static func line(_ name: String, of section: [UInt8]) -> String {
        let lines = section.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard let line = lines.first(where: { $0.starts(with: name.utf8) }) else { return "" }
        return printable(line.dropFirst(name.utf8.count), limit: 32)
    }

    /// The version that `INFO server` says; empty where it says none.
    private static func version(_ server: [UInt8]) -> String {
        let names = ["valkey_version:", "redict_version:", "redis_version:"]
        return names.lazy.map { line($0, of: server) }.first { !$0.isEmpty } ?? ""
    }

    private static func askRole(
        _ target: ProbeTarget, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> Answer {
        let replication = try replication(try logIn(target, &connection), &connection)
        return .yes(replication.role == .master ? "master" : "replica")
    }

    /// Gives the password, where there is one. Returns the server's refusal: it counts only if INFO is refused too, since
    /// a server without a password refuses every one.
    private static func logIn(
        _ target: ProbeTarget, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> String? {
        guard let password = target.password else { return nil }
        let user = target.user.map { [$0] } ?? []
        return try connection.ask([Array("AUTH".utf8)] + user + [password]).errorText
    }

    private static func replication(
        _ refusal: String?, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> ReplicationInfo {
        let text = try info("replication", refusal, &connection)
        guard let info = ReplicationInfo(parsing: text.span) else {
            throw .unanswered("the answer to INFO replication cannot be read")
        }
        return info
    }

    private static func info(
        _ section: String, _ refusal: String?, _ connection: inout ProbeConnection
    ) throws(ProbeFailure) -> [UInt8] {
        let reply = try connection.ask("INFO", section)
        if case .bulk(let text) = reply { return text }
        guard let error = reply.errorText else { throw .unanswered("the answer to INFO is not Redis'") }
        if isUnknownCommand(error) { throw .unanswered(renamed("INFO")) }
        let code = printable(error.utf8.prefix { $0 != UInt8(ascii: " ") }, limit: 32)
        switch code {
        // Valkey 9.1 says NOAUTH to a client that sends what it does not know.
        case "NOAUTH" where refusal.map { isUnknownCommand($0) || $0.hasPrefix("NOAUTH") } ?? false:
            throw .unanswered(renamed("AUTH"))
        case "NOAUTH" where refusal != nil:
            throw .unanswered(
                "the server refuses the password (\(printable(refusal!.utf8.prefix { $0 != UInt8(ascii: " ") }, limit: 32))); see REDIS_PASSWORD"
            )
        case "NOAUTH":
            throw .unanswered("the server asks for a password (NOAUTH); set REDIS_PASSWORD or REDIS_PROBE_PASSWORD")
        case "NOPERM": throw .unanswered("this user may not INFO (NOPERM); grant it +info +dbsize +ping")
        case "BUSY": throw .unanswered("busy with a script (BUSY)")
        default: throw .unanswered("INFO is refused (\(code))")
        }
    }
}

private func renamed(_ command: String) -> String {
    "the server does not know \(command): its configuration renames it (rename-command); remove that line"
}

extension ProbeOptions.Question {
    /// What it means to get no answer.
    fileprivate var failure: String {
        switch self {
        case .live: "not live"
        case .ready: "not ready"
        case .role: "role unknown"
        }
    }
}
