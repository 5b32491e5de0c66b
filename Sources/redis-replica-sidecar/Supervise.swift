import ArgumentParser
import ServiceProgram
import Settings

/// Starts redis-server as its child, keeps it running, and ends it in order.
struct Supervise: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start redis-server by redis-replica-init, and start it again when it ends.",
        discussion: """
            Meant as process 1 of a container. SIGTERM and SIGINT end the server in order, and this process with its \
            exit code; other signals are passed on. A second process kills the server when this one is frozen or \
            killed. With a lease store the nodes elect a leader, which takes writes: see docs/failover.md.
            """)

    @OptionGroup(title: "Supervising") var supervising: SupervisingOptions
    @OptionGroup(title: "Fail-over") var failover: FailoverOptions
    @OptionGroup(title: "Fail-over") var socket: FailoverSocketOptions
    @OptionGroup(title: "Lease store") var leaseStore: LeaseStoreOptions
    @OptionGroup(title: "Listening") var listening: SupervisorListeningOptions
    @OptionGroup(title: "Secrets") var secrets: SupervisorSecretOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup(title: "Instead of supervising") var instead: InsteadOptions

    @Argument(
        parsing: .postTerminator,
        help: "Behind --: what redis-replica-init is given, a verb, a redis.conf or arguments of redis-server.")
    var arguments: [String] = []

    func run() throws {
        let program = try SupervisorProgram(
            GivenSettings(of: .supervisor, [supervising, failover, socket, leaseStore, listening, secrets, log]))
        if instead.printConfig { return program.printConfiguration() }
        try program.run()
    }
}
