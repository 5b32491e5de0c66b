internal import ArgumentParser
import ProgramStart

@main
struct KVLocal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kv-local",
        abstract: "The whole system on this machine's loopback: a master, its replicas and the key-value apps.",
        discussion: "Ctrl-C stops everything it started. It leaves nothing behind, and touches no other Redis.",
        version: "kv-local 0.1.0",
        subcommands: [Run.self, RunFailover.self, Kill.self, Start.self, DrillLostDisk.self, DrillFailover.self],
        defaultSubcommand: Run.self)

    static func main() async { await start() }
}
