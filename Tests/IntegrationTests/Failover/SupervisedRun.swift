import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A start of redis-replica-sidecar supervise, in its own folder.
struct SupervisedRun {
    var run: InitRun
    let program: String
    var options: [String] = []

    /// - Parameter server: the text of a script that stands for redis-server, or a program's path.
    init(server: String) throws {
        run = try InitRun(server: server)
        run.environment["REDIS_MASTER_SERVICE_HOST"] = nil
        run.environment["REDIS_REPLICATION_MODE"] = "standalone"
        run.environment["LOG_FORMAT"] = "text"
        program = try Programs.built("redis-replica-sidecar").string
    }

    var socket: String { run.scratch["data/s.sock"] }

    /// Starts it and waits until the server answers.
    func start() throws -> (supervisor: Spawned, server: pid_t) {
        let supervisor = try launch()
        let server = try #require(answeringServer(), "\(supervisor.output)")
        return (supervisor, server)
    }

    func launch(_ arguments: [String]? = nil) throws -> Spawned {
        let server = [run.scratch["etc/redis.conf"], "--", "--port", "0", "--unixsocket", socket]
        let words = run.prefix + [program, "supervise"] + options + ["--"] + (arguments ?? server)
        return try Spawned(
            words[0], Array(words.dropFirst()), environment: run.environment, in: run.scratch.path,
            log: run.scratch["log"])
    }

    /// The server that answers, by the number that it has for itself.
    func answeringServer(otherThan old: pid_t? = nil) -> pid_t? {
        Deadline.wait(20) {
            guard access(socket, F_OK) == 0,
                var connection = try? BlockingConnection(path: socket, timeout: .seconds(5)),
                case .bulk(let text)? = try? connection.command("INFO", "server"),
                let line = String(decoding: text, as: UTF8.self).split(separator: "\r\n").first(where: {
                    $0.hasPrefix("process_id:")
                }), let process = pid_t(line.dropFirst("process_id:".count)), process != old
            else { return nil }
            return process
        }
    }

    /// The children of a process whose command line has all these words, as this namespace numbers them.
    static func children(of process: pid_t, with word: String = "") -> [pid_t] {
        let text = (try? Scratch.read("/proc/\(process)/task/\(process)/children")) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }.filter { child in
            guard !word.isEmpty else { return true }
            let line = (try? Scratch.read("/proc/\(child)/cmdline")) ?? []
            return line.split(separator: 0).contains { String(decoding: $0, as: UTF8.self) == word }
        }
    }

    /// The dead-man process that watches by now.
    static func deadMan(of supervisor: Spawned, otherThan old: pid_t? = nil) -> pid_t? {
        Deadline.wait(20) {
            // One line for each that has answered.
            let answered = supervisor.output.split(separator: "\n").filter { $0.contains("dead-man process watches") }
            guard answered.count > (old == nil ? 0 : 1) else { return nil }
            return children(of: supervisor.pid, with: "dead-man").first { $0 != old && Programs.isAlive($0) }
        }
    }

    static func waitUntilDead(_ process: pid_t) -> Bool {
        Deadline.wait(20) { Programs.isAlive(process) ? nil : true } ?? false
    }
}
