internal import ArgumentParser
internal import LocalTopology
internal import UnixSignals

@main
struct KVLocal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kv-local",
        abstract: "Runs the whole system on this machine's loopback: a master, its replicas and the key-value apps.",
        discussion: "Ctrl-C stops everything it started. It leaves nothing behind, and touches no other Redis.")

    @OptionGroup var layout: Layout

    func run() async throws {
        // Before anything starts, so that no Ctrl-C is missed.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        do {
            try layout.checkPorts()
            let cluster = try LocalCluster(try layout.clusterSpec())
            do {
                try await live(cluster, until: signals)
                Story.tell("Stopping everything.")
                await cluster.stop()
            } catch {
                await cluster.stop(keepingFolder: true)
                Story.complain("The logs are kept in \(cluster.folder)")
                throw error
            }
        } catch let error as LocalTopologyError {
            Story.complain("kv-local: \(error)" + (layout.cure(of: error).map { "\n\($0)" } ?? ""))
            throw ExitCode(error.exitCode)
        }
    }

    /// Starts the cluster, and tells what happens in it until a signal comes.
    private func live(_ cluster: LocalCluster, until signals: UnixSignalsSequence) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { for await _ in signals { return } }
            group.addTask {
                do {
                    try await cluster.start { Story.tell("Starting \($0.name) on \($0.endpoint)") }
                    try await cluster.wait(untilReplicasOf: Layout.masterName, are: layout.replicas)
                    Story.tell(layout.welcome)
                    for await death in cluster.unexpectedEndings { Story.complain(Layout.obituary(death)) }
                } catch is CancellationError {}
            }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
