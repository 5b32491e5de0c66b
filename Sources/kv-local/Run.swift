internal import ArgumentParser
internal import LocalTopology

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run it until Ctrl-C (the default).")

    @OptionGroup var layout: Layout

    func run() async throws {
        _ = try await Lifetime(layout: layout, target: "run", onEmpty: .reseed).live { [layout] cluster in
            try await cluster.start { Story.tell("Starting \($0.name) on \($0.endpoint)") }
            try await cluster.wait(untilReplicasOf: Layout.masterName, are: layout.replicas)
            Story.tell(layout.welcome)
            for await death in cluster.unexpectedEndings { Story.complain(Layout.obituary(death)) }
        }
    }
}
