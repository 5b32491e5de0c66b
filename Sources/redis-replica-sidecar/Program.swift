import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
import ReplicaAgent
import ReplicaPlanning
import ReplicaReconciler
import ServiceProgram
import Settings
import Telemetry

/// Configuration, a log, one event loop on the only thread, and an end in order.
struct Program {
    private let settings: GivenSettings
    private let host: String?
    private let port: Int
    private let sidecar: SidecarConfiguration
    private let logFormat: LogFormat
    private let logLevel: Logger.Level

    /// - Throws: an exit code, after one line on stderr that says why and what to do. So does ``run()``.
    init(_ settings: GivenSettings) throws {
        self.settings = settings
        do {
            host = try settings.host("SIDECAR_HOST")
            port = try settings.port("SIDECAR_PORT")
            logFormat = try settings.choice("LOG_FORMAT").flatMap { LogFormat(rawValue: $0) } ?? .ofStandardError
            logLevel = try settings.choice("LOG_LEVEL").flatMap { Logger.Level(rawValue: $0) } ?? .info
            sidecar = try SidecarConfiguration(settings)
        } catch {
            throw Self.failure(error)
        }
    }

    /// - Throws: what a start throws for files and environment.
    func printConfiguration() throws {
        do { try Sidecar.check(sidecar) } catch { throw Self.failure(error) }
        for line in settings.lines(of: Variable.Group.all, found: ["LOG_FORMAT": logFormat.rawValue]) { print(line) }
    }

    /// Watches until SIGTERM or SIGINT.
    func run() throws {
        var logger = Logger(label: "redis-replica-sidecar") { logFormat.makeHandler(label: $0) }
        logger.logLevel = logLevel
        let end = EndDescriptor()
        var failure: (any Error)?
        let log = logger
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
            // Before any file is read: a disk that hangs holds up neither the probes nor the end.
            let starting = StartingSidecar(self.sidecar, eventLoop: eventLoop, logger: log)
            var isEnding = false
            func finish(_ error: (any Error)?) {
                guard !isEnding else { return }
                isEnding = true
                failure = error
                starting.sidecar?.shutDown()
                eventLoop.shutdownGracefully { _ in }
            }
            end.whenTold(on: eventLoop) {
                log.info("SIGTERM or SIGINT received: stopping")
                finish(nil)
            }
            do throws(ConfirmationSocket.Failure) {
                try SidecarHTTP.listen(onSocket: settings.socketPath, for: starting)
            } catch {
                log.warning("redis-replica-sidecar confirm cannot be used: \(error)")
            }
            SidecarHTTP.listen(host: host, port: port, for: starting) { result in
                switch result {
                case .success(let http):
                    log.info("listening on \(http.address.ipAddress ?? "?"), port \(http.address.port ?? 0)")
                case .failure(let error): finish(ListenError(host: host, port: port, error))
                }
            }
            Sidecar.make(self.sidecar, eventLoop: eventLoop, logger: log) { result in
                guard !isEnding else { return }
                switch result {
                case .success(let sidecar):
                    starting.sidecar = sidecar
                    sidecar.start()
                case .failure(let error): finish(error)
                }
            }
        }
        if let failure { throw Self.failure(failure) }
        logger.info("bye")
    }

    /// Says on stderr why it cannot go on.
    static func failure(_ error: any Error) -> ArgumentParser.ExitCode {
        if let error = error as? PlanError {
            if case .refused(let diagnostics) = error {
                for diagnostic in diagnostics {
                    StandardError.write(Array("redis-replica-sidecar: \(diagnostic)\n".utf8))
                }
            }
            return ArgumentParser.ExitCode(error.exitCode)
        }
        let code: ArgumentParser.ExitCode =
            switch error {
            case is ListenError: .unavailable
            case is ServerTLSError: ArgumentParser.ExitCode(ReplicaPlanning.ExitCode.configuration)
            default: .software
            }
        return .reporting(error, of: "redis-replica-sidecar", else: code)
    }
}

/// The port cannot be had.
struct ListenError: Error, CustomStringConvertible {
    let host: String?
    let port: Int
    private let reason: String
    private let cure: String

    init(host: String?, port: Int, _ error: any Error) {
        self.host = host
        self.port = port
        let otherAddress = "choose another one with SIDECAR_HOST, or unset it for all interfaces"
        (reason, cure) =
            switch (error as? IOError)?.errnoCode {
            case EADDRINUSE: ("another program has the port", "end it, or choose another one with SIDECAR_PORT")
            case EACCES, EPERM: ("not permitted", "choose a port from 1024 on with SIDECAR_PORT")
            case EADDRNOTAVAIL: ("no interface of this machine has the address", otherAddress)
            case let code?: (unsafe String(cString: strerror(code)), "check SIDECAR_HOST and SIDECAR_PORT")
            // NIO found no address for the name.
            case nil: ("the name has no address", otherAddress)
            }
    }

    var description: String {
        "cannot listen on \(host ?? "all interfaces"), port \(port): \(reason); \(cure)"
    }
}
