import ArgumentParser
import FailoverAgent
import Glibc
import Logging
import NIOCore
import NIOPosix
import ReplicaAgent
import ReplicaPlanning
import ServiceProgram
import Settings
import Supervision
import Telemetry

/// Configuration, a log, one event loop on the only thread, and the server's own end.
struct SupervisorProgram {
    private let settings: GivenSettings
    private let stopLimit: Duration
    private let silence: Duration
    private let host: String?
    private let port: Int
    private let moreHosts: [String]?
    private let failover: FailoverSetup?
    private let overlap: Duration
    private let logFormat: LogFormat
    private let logLevel: Logger.Level

    /// - Throws: an exit code, after one line on stderr that says why and what to do. So does ``run()``.
    init(_ settings: GivenSettings) throws {
        self.settings = settings
        do {
            stopLimit = .seconds(try settings.count("SUPERVISE_STOP_SECONDS"))
            host = try settings.host("SIDECAR_HOST")
            port = try settings.port("SIDECAR_PORT")
            moreHosts = try SidecarConfiguration.moreHosts(settings)
            failover = try FailoverSetup(settings)
            overlap = .seconds(try settings.count("SIDECAR_PASSWORD_OVERLAP_SECONDS"))
            silence =
                try failover?.silence ?? .milliseconds(settings.count("SUPERVISE_SILENCE_MILLISECONDS"))
            logFormat = try settings.choice("LOG_FORMAT").flatMap { LogFormat(rawValue: $0) } ?? .ofStandardError
            logLevel = try settings.choice("LOG_LEVEL").flatMap { Logger.Level(rawValue: $0) } ?? .info
        } catch {
            throw ArgumentParser.ExitCode.reporting(error, of: Self.name, else: .ofConfiguration)
        }
    }

    private static let name = "redis-replica-sidecar supervise"

    func printConfiguration() {
        for line in settings.lines(
            of: [.supervising, .failover, .leaseStore, .listening, .secrets, .log],
            found: [
                "LOG_FORMAT": logFormat.rawValue, "SUPERVISE_SILENCE_MILLISECONDS": "\(silence.inMilliseconds)",
            ])
        { print(line) }
    }

    /// Supervises until the server has ended for good, then ends with its exit code.
    func run() throws {
        let signals = SignalStream()
        var logger = Logger(label: "redis-replica-sidecar") { logFormat.makeHandler(label: $0) }
        logger.logLevel = logLevel
        let log = logger
        let configuration = Supervisor.Settings(
            command: ProcessCommand(program: initProgram, arguments: Self.serverArguments),
            life: LifeMachine.Settings(stopLimit: stopLimit),
            deadMan: DeadManProcess.Settings(
                silence: silence, program: Self.ownPath, arguments: DeadMan.arguments(logFormat)))
        let access = try failover.map { _ in try serverAccess(log) }
        var code: Int32 = 0
        var failure: (any Error)?
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
            let supervisor = Supervisor(configuration, eventLoop: eventLoop, logger: log) { end in
                code = end
                // Connections to the lease store and to the other nodes are open, and nothing waits for them.
                if access != nil, failure == nil { exit(end) }
                eventLoop.shutdownGracefully { _ in }
            }
            if let failover, let access {
                do {
                    let program = try FailoverProgram(
                        failover, access, overlap: overlap, supervisor: supervisor, silence: silence,
                        eventLoop: eventLoop, logger: log)
                    listen(for: program, on: eventLoop, log) { error in
                        failure = failure ?? error
                        supervisor.stop()
                    }
                } catch {
                    failure = error
                    eventLoop.shutdownGracefully { _ in }
                    return
                }
            }
            supervisor.start(signals)
        }
        if let failure {
            throw ArgumentParser.ExitCode.reporting(
                failure, of: Self.name, else: failure is ListenError ? .unavailable : .ofConfiguration)
        }
        // The server's exit code says nothing about the arguments of this program.
        exit(code)
    }

    /// Has redis-replica-init start a node of a fail-over installation, and finds out how it will be reached.
    private func serverAccess(_ logger: Logger) throws -> ServerAccess {
        let mode = "REDIS_REPLICATION_MODE"
        if let given = unsafe getenv(mode), unsafe String(cString: given) != "failover" {
            let error = ConfigurationError.ofProgram(
                "\(mode) is set, and FAILOVER_STORE is, too: the agent decides whom a node follows; unset \(mode)",
                isUsage: false)
            throw ArgumentParser.ExitCode.reporting(error, of: Self.name, else: .ofConfiguration)
        }
        // Before any other thread is there.
        unsafe setenv(mode, "failover", 1)
        for doubt in failover?.doubts ?? [] { logger.warning("\(doubt)") }
        do {
            let access = try ServerAccess(
                arguments: Self.serverArguments, environment: .ofProcess, identity: .ofProcess)
            for path in [access.dataFolder, "\(access.dataFolder)/failover"] { unsafe mkdir(path, 0o755) }
            return access
        } catch {
            throw Program.failure(error)
        }
    }

    /// - Parameter completion: called with why a listener cannot be had.
    private func listen(
        for program: FailoverProgram, on eventLoop: any EventLoop, _ logger: Logger,
        _ completion: @escaping (any Error) -> Void
    ) {
        program.whenStarted { agent in
            let http = FailoverHTTP(agent, reports: program.reports, logger: logger)
            do throws(ConfirmationSocket.Failure) {
                try SidecarHTTP.listen(
                    onSocket: settings.failoverSocketPath, settingName: "FAILOVER_SOCKET", answering: http)
            } catch {
                logger.warning("orders (status, switchover, …) cannot be given: \(error)")
            }
            SidecarHTTP.listen(host: host, port: port, moreHosts: moreHosts, for: http) { result in
                switch result {
                case .success(let http):
                    logger.info("listening on \(http.address.ipAddress ?? "?"), port \(http.address.port ?? 0)")
                case .failure(let error): completion(ListenError(host: host, port: port, error))
                }
            }
        }
    }

    /// Also where the file has been replaced meanwhile, it is this program.
    private static let ownPath = "/proc/self/exe"

    private var initProgram: String {
        if let path = settings.value("SUPERVISE_INIT") { return path }
        let program = "redis-replica-init"
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink(Self.ownPath, &path, path.count)
        let own = String(decoding: path.prefix(max(0, length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        let beside = own.lastIndex(of: "/").map { "\(own[..<$0])/\(program)" }
        let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        let candidates = [beside].compactMap(\.self) + search.split(separator: ":").map { "\($0)/\(program)" }
        return candidates.first { unsafe access($0, X_OK) == 0 } ?? program
    }

    /// What stands behind `--`, as bytes: they need not be text.
    private static var serverArguments: [[UInt8]] {
        let words = (1..<max(1, Int(CommandLine.argc))).compactMap { index -> [UInt8]? in
            guard let word = unsafe CommandLine.unsafeArgv[index] else { return nil }
            return unsafe Array(UnsafeBufferPointer(start: word, count: strlen(word)).map(UInt8.init(bitPattern:)))
        }
        guard let mark = words.firstIndex(of: Array("--".utf8)) else { return [] }
        return Array(words[(mark + 1)...])
    }
}

extension ArgumentParser.ExitCode {
    /// What is configured cannot be used (sysexits.h).
    fileprivate static let ofConfiguration = ArgumentParser.ExitCode(ReplicaPlanning.ExitCode.configuration)
}
