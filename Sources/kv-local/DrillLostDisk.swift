internal import ArgumentParser
internal import LocalTopology
internal import UnixSignals

struct DrillLostDisk: AsyncParsableCommand {
    private static let name = "drill-lost-disk"
    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Kill the master, remove its disk, and check that its data is restored from its replicas.",
        discussion: """
            In a cluster of its own, with the ports of `kv-local run` or those that are given. Ends with 0 if no key is missing, \
            with 1 if one is.
            """)

    @OptionGroup var layout: Layout

    @Option(help: "How many keys are written before, 1 to 10000000.")
    var keys = 100_000

    @Option(help: "What the emptied master does: reseed, or start as without the guard and lose every key.")
    var onEmpty = OnEmpty.reseed

    func validate() throws {
        guard (1...10_000_000).contains(keys) else { throw ValidationError("--keys takes 1 to 10000000") }
    }

    func run() async throws {
        let signal = try await Lifetime(layout: layout, target: Self.name, onEmpty: onEmpty).live {
            [layout, keys, onEmpty] cluster in
            try await Drill(
                cluster: cluster, layout: layout, keys: SampleKeys(count: keys), onEmpty: onEmpty
            ).play()
        }
        // It has not shown what it is for.
        if let signal { throw ExitCode(128 + signal.rawValue) }
    }
}
