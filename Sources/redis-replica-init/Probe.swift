import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Asks the local server one question and ends with 0 or 1 and one line why, within its deadline.
enum Probe {
    static func perform(_ invocation: Invocation) throws(Failure) {
        guard let options = invocation.probe else { return }
        let deadline = Deadline(milliseconds: options.timeoutMilliseconds)
        signal(SIGPIPE, SIG_IGN)
        let target = try decide { () throws(PlanError) in
            try ProbeTarget(
                options, invocation, environment: Host.environment, identity: Host.identity, files: LiveFiles())
        }
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
        let replication = try replication(refusal, &connection)
        let readiness = rule.verdict(on: replication, isLoading: ReplicationInfo.isLoading(persistence))
        return readiness.isReady ? .yes("\(readiness)") : .no("\(readiness)")
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
        let code = (reply.errorText ?? "an answer that is not INFO's").prefix { $0 != " " }
        switch code {
        case "NOAUTH" where refusal != nil:
            throw .unanswered("the server refuses the password (\(refusal!.prefix { $0 != " " })); see REDIS_PASSWORD")
        case "NOAUTH":
            throw .unanswered("the server asks for a password (NOAUTH); set REDIS_PASSWORD or REDIS_PROBE_PASSWORD")
        case "NOPERM": throw .unanswered("this user may not INFO (NOPERM); grant it +ping +info")
        case "BUSY": throw .unanswered("busy with a script (BUSY)")
        default: throw .unanswered("INFO is refused (\(code))")
        }
    }
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
