internal import ArgumentParser
internal import LocalTopology

/// What people ask of a cluster that runs: `kv-local kill NAME` and `kv-local start NAME`, as one line over its socket.
enum ServerCommand: Hashable, Sendable {
    case kill(String)
    case start(String)

    /// - Returns: `nil` for a line that is no command.
    init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        switch words.first {
        case "kill" where words.count == 2: self = .kill(words[1])
        case "start" where words.count == 2: self = .start(words[1])
        default: return nil
        }
    }

    var line: String {
        switch self {
        case .kill(let name): "kill \(name)"
        case .start(let name): "start \(name)"
        }
    }

    /// The name of the socket of the cluster whose master has this port: no two clusters share one.
    static func socketName(redisPort: Int) -> String { "redis-replica-kit/kv-local/\(redisPort)" }

    /// Asks the cluster, and ends the program as it says.
    func askCluster(redisPort: Int) throws {
        do {
            let reply = try CommandSocket.ask(Self.socketName(redisPort: redisPort), line)
            guard reply.code == 0 else {
                Story.complain("kv-local: \(reply.text)")
                throw ExitCode(reply.code)
            }
            Story.tell(reply.text)
        } catch CommandSocket.Failure.notListening {
            Story.complain(
                """
                kv-local: no cluster runs whose master has the port \(redisPort). Start one with `make run`; if its ports are \
                others, name its master's: --redis-port
                """)
            throw ExitCode(69)
        } catch CommandSocket.Failure.otherUser(let user) {
            Story.complain("kv-local: the cluster belongs to the user \(user); ask as that user, or as root")
            throw ExitCode(77)
        } catch let error as CommandSocket.Failure {
            Story.complain("kv-local: \(error)")
            throw ExitCode(69)
        }
    }
}

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill a server of the cluster that runs, at once (SIGKILL).",
        discussion: "Its data stay, and the others go on. `kv-local start` brings it back.")

    @Argument(help: "The server's name, as `kv-local run` prints it.")
    var name: String

    @Option(help: "The port of the cluster's master.")
    var redisPort = Layout.defaultRedisPort

    func run() throws { try ServerCommand.kill(name).askCluster(redisPort: redisPort) }
}

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a server again that does not run, on its own data, as its container would be.",
        discussion: "Through redis-replica-init, and with its sidecar if that does not run either.")

    @Argument(help: "The server's name, as `kv-local run` prints it.")
    var name: String

    @Option(help: "The port of the cluster's master.")
    var redisPort = Layout.defaultRedisPort

    func run() throws { try ServerCommand.start(name).askCluster(redisPort: redisPort) }
}
