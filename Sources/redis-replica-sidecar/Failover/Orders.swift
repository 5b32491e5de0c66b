import ArgumentParser
import ReplicaAgent
import ServiceProgram
import Settings

/// What all sub-commands that speak to the agent have in common.
private func ask(_ request: String, _ socket: FailoverSocketOptions, patienceSeconds: Int = 10) throws {
    let path = GivenSettings(of: .supervisor, [socket]).failoverSocketPath
    let answer: ConfirmationSocket.Answer
    do throws(ConfirmationSocket.Failure) {
        answer = try ConfirmationSocket.ask(
            request, onSocket: path, patienceSeconds: patienceSeconds,
            missing: """
                run this where redis-replica-sidecar supervise runs with a lease store, as its user, with its FAILOVER_SOCKET
                """)
    } catch {
        throw ArgumentParser.ExitCode.reporting(error, of: "redis-replica-sidecar", else: .unavailable)
    }
    print(answer.body, terminator: answer.body.hasSuffix("\n") ? "" : "\n")
    guard answer.status == 200 else { throw ArgumentParser.ExitCode(1) }
}

struct FailoverStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show all nodes as this one sees them: who leads, term, offset, lag, and what blocks a promotion.",
        discussion: "Exit code 69: no agent answers.")

    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions
    @Flag(help: "As JSON, as /status gives it.") var json = false

    func run() throws { try ask(json ? "GET /status" : "GET /status?table", socket) }
}

struct Switchover: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have another node lead, as planned: nothing is lost, and writes pause for some milliseconds.",
        discussion: "To be given to the leader. Exit code 0: the other node leads; 1: why not; 69: no agent answers.")

    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions
    @Option(name: .customLong("to"), help: "The node; without it, the replica whose data goes furthest.")
    var target: String?

    func run() throws {
        if let target, !target.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) {
            throw ValidationError("'\(target.shown)' is no name of a node")
        }
        try ask("POST /v1/switchover\(target.map { "?to=\($0)" } ?? "")", socket, patienceSeconds: 700)
    }
}

struct ForcedFailover: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Make this node lead although a rule about data blocks it. Without --force: say what would be lost.",
        discussion: """
            A leader that renews its lease is not replaced. Exit code 0: this node leads; 1: it does not, and why; 69: no \
            agent answers.
            """)

    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions
    @Flag(help: "Do it.") var force = false

    func run() throws { try ask("POST /v1/failover\(force ? "?force" : "")", socket, patienceSeconds: 1000) }
}

struct PauseFailover: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop automatic fail-over on all nodes, for maintenance. The leader goes on.",
        discussion: "A planned change and a forced fail-over stay possible. End it with resume.")

    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions

    func run() throws { try ask("POST /v1/pause", socket) }
}

struct ResumeFailover: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Have automatic fail-over go on, after pause.")

    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions

    func run() throws { try ask("POST /v1/resume", socket) }
}
