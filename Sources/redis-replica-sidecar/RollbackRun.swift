import ArgumentParser
import CLinux
import Glibc
import ReplicaAgent
import ReplicaPlanning
import Rollback
import ServiceProgram
import Settings
import Telemetry

/// One call of `redis-replica-sidecar rollback`.
final class RollbackRun {
    /// EX_DATAERR of sysexits.h.
    static let dataError = ArgumentParser.ExitCode(65)
    /// EX_NOINPUT.
    private static let noInput = ArgumentParser.ExitCode(66)
    /// EX_IOERR.
    private static let ioError = ArgumentParser.ExitCode(74)

    private let name: String
    private let server: ServerOptions
    private let options: RollbackOptions
    private var live: LiveServer?

    init(_ verb: String, _ server: ServerOptions, _ options: RollbackOptions) {
        // What large elements took goes back to the system when they are gone. Before any other thread starts.
        linux_map_large_blocks(256 << 10)
        name = "redis-replica-sidecar rollback \(verb)"
        (self.server, self.options) = (server, options)
    }

    /// Says in one line on stderr why the body has failed, and throws the exit code.
    func reporting(_ body: () throws(RollbackError) -> ArgumentParser.ExitCode) throws {
        let code: ArgumentParser.ExitCode
        do throws(RollbackError) {
            code = try body()
        } catch {
            let code: ArgumentParser.ExitCode =
                switch error {
                case .unreachable: Self.noInput
                case .file: Self.dataError
                case .server: .unavailable
                case .output: Self.ioError
                }
            throw ArgumentParser.ExitCode.reporting(error, of: name, else: code)
        }
        guard code == .success else { throw code }
    }

    /// Where the files are.
    func folder() throws(RollbackError) -> String {
        if let folder = options.folder { return folder }
        do throws(RollbackError) {
            return try RollbackComparison.folder(of: try connected())
        } catch {
            throw .server("\(words(of: error)). If the files are elsewhere, name their folder with --folder")
        }
    }

    func show(_ path: String) throws(RollbackError) -> ArgumentParser.ExitCode {
        let comparison = try RollbackComparison(try connected())
        warn(of: comparison.server)
        let output = Output()
        let report = ComparisonReport(output, isJSON: options.isJSON)
        try report.begin(file: path, comparison.server)
        let outcome: RollbackComparison.Outcome
        do throws(RollbackError) {
            outcome = try comparison.compare(file: path) { key throws(RollbackError) in try report.take(key) }
            let now = try comparison.serverNow()
            if now != comparison.server { warn(of: now) }
        } catch {
            // The output may be what has failed.
            try? report.end([:], error: error)
            throw error
        }
        try report.end(outcome.counts)
        if !outcome.hasChecksum { warn("the file has no checksum (rdbchecksum no): damage may go unseen") }
        let isAllThere = outcome.counts.keys.allSatisfy { $0 == .same || $0 == .expired }
        return isAllThere ? .success : ArgumentParser.ExitCode(1)
    }

    /// What is compared with has to be the leader's data.
    private func warn(of server: RollbackComparison.Server) {
        guard server.isLinked == false else { return }
        warn(
            "the server beside is a replica whose link to its leader is down: it may lack newer data, and keys that the "
                + "leader has may count as missing")
    }

    private func warn(_ words: String) { StandardError.write(Array("\(name): warning: \(words)\n".utf8)) }

    private func words(of error: RollbackError) -> String {
        if case .server(let words) = error { words } else { "\(error)" }
    }

    /// Reads what says where the server is.
    ///
    /// - Throws: an exit code, after one line on stderr.
    func readSettings() throws {
        // Where supervise runs a node of a fail-over installation, it gives the server this mode itself.
        if let store = unsafe getenv("FAILOVER_STORE"), unsafe String(cString: store) != "none" {
            unsafe setenv("REDIS_REPLICATION_MODE", "failover", 0)
        }
        do {
            let settings = GivenSettings(of: .sidecar, [server])
            live = LiveServer(try LocalServerAccess(try SidecarConfiguration(settings)))
        } catch {
            throw Program.failure(error)
        }
    }

    private func connected() throws(RollbackError) -> LiveServer {
        guard let live else { throw .server("is not known") }
        return live
    }
}
