internal import ArgumentParser
internal import LocalTopology

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run it until Ctrl-C (the default).")

    @OptionGroup var layout: Layout

    func run() async throws {
        _ = try await Lifetime(layout: layout, target: "run", onEmpty: .reseed).live { [layout] cluster in
            let commands = try CommandSocket(name: ServerCommand.socketName(redisPort: layout.redisPort))
            try await cluster.start { Story.tell("Starting \($0.name) on \($0.endpoint)") }
            try await cluster.wait(untilReplicasOf: Layout.masterName, are: layout.replicas)
            async let served: Void = commands.serve { await cluster.perform($0) }
            Story.tell(layout.welcome)
            for await death in cluster.unexpectedEndings { Story.complain(layout.obituary(death)) }
            await served
        }
    }
}
