internal import LocalTopology

extension LocalCluster {
    /// Does what was asked of the cluster, and says what came of it.
    nonisolated func perform(_ line: String) async -> CommandSocket.Reply {
        guard let command = ServerCommand(line: line) else {
            return CommandSocket.Reply(code: 64, text: "this cluster knows only `kill NAME` and `start NAME`")
        }
        do {
            let text =
                switch command {
                case .kill(let name): try await killAsAsked(name)
                case .start(let name): try await startAsAsked(name)
                }
            Story.tell(text)
            return CommandSocket.Reply(code: 0, text: text)
        } catch LocalTopologyError.unknownNode(let name) {
            let names = spec.nodes.map(\.name).joined(separator: ", ")
            return CommandSocket.Reply(code: 64, text: "nothing here is called \(name); there are: \(names)")
        } catch {
            let code = (error as? LocalTopologyError)?.exitCode ?? 70
            return CommandSocket.Reply(code: code, text: "\(command.line): \(error)")
        }
    }

    private nonisolated func killAsAsked(_ name: String) async throws -> String {
        do {
            try await kill(name)
        } catch LocalTopologyError.notRunning {
            return "\(name) does not run already"
        }
        return "\(name) is killed (SIGKILL)"
    }

    /// Starts the server, and its sidecar where that does not run either.
    private nonisolated func startAsAsked(_ name: String) async throws -> String {
        guard let node = spec.nodes.first(where: { $0.name == name }) else {
            throw LocalTopologyError.unknownNode(name)
        }
        var said: [String] = []
        if await isRunning(name) {
            said.append("\(name) runs already")
        } else {
            try await launch(name)
            let hasMaster = await isRunning(Layout.masterName)
            if node.readiness == .linkUp, !hasMaster {
                said.append("\(name) has started; it waits for \(Layout.masterName), which does not run")
            } else {
                try await waitUntilUp(name)
                said.append("\(name) is up again")
            }
        }
        for sidecar in spec.nodes where sidecar.folderOwner == name {
            guard await !isRunning(sidecar.name) else { continue }
            try await launch(sidecar.name)
            said.append("\(sidecar.name) has started")
        }
        return said.joined(separator: "; ")
    }
}
