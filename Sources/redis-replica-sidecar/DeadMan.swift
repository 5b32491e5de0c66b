import Glibc
import Logging
import Supervision
import Telemetry

/// The dead-man process: this program, started again by `supervise`.
enum DeadMan {
    static let command = "dead-man"

    /// How `supervise` starts it; behind that come ``DeadManWatch/arguments``.
    static func arguments(_ format: LogFormat) -> [String] { [command, format.rawValue] }

    /// Watches and does not return, where this process was started for it.
    static func runIfAsked() {
        let words = CommandLine.arguments.dropFirst()
        guard words.first == command else { return }
        guard let format = words.dropFirst().first.flatMap({ LogFormat(rawValue: $0) }),
            let watch = DeadManWatch(Array(words.dropFirst(2))), let outcome = watch.run()
        else {
            StandardError.write(
                Array("redis-replica-sidecar: \(command) is started by redis-replica-sidecar supervise alone\n".utf8))
            exit(64)
        }
        let logger = Logger(label: "redis-replica-sidecar \(command)") { format.makeHandler(label: $0) }
        let server = "redis-server, process \(watch.serverIdentifier)"
        switch outcome {
        case .serverEnded, .saidGoodbye: break
        case .silent:
            logger.error("killed \(server): its supervisor has been silent for \(watch.silence)")
        case .gone: logger.error("killed \(server): its supervisor is gone")
        }
        exit(0)
    }
}
