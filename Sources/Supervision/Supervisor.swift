import Glibc
package import Logging
package import NIOCore

/// Starts the server's program, starts it again when it ends, has the dead-man process watch it, and ends in order.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class Supervisor {
    package struct Settings: Sendable {
        package var command: ProcessCommand
        package var life: LifeMachine.Settings
        package var deadMan: DeadManProcess.Settings

        package init(command: ProcessCommand, life: LifeMachine.Settings, deadMan: DeadManProcess.Settings) {
            self.command = command
            self.life = life
            self.deadMan = deadMan
        }
    }

    /// The server that runs; `nil` before the first start and from one end to the next start.
    package private(set) var server: SupervisedProcess?
    /// Called before the server gets SIGTERM; calls back when leadership is given up. `nil`: there is none.
    package var handOver: ((_ completion: @escaping () -> Void) -> Void)?
    /// Called when a server was started, and with `nil` when it has ended.
    package var whenServerChanged: (SupervisedProcess?) -> Void = { _ in }
    /// Called at each change of the dead-man process; see ``DeadManProcess/unwatchedSince``.
    package var whenDeadManChanged: (DeadManProcess.State) -> Void = { _ in }

    package var unwatchedSince: Duration? { deadMan?.unwatchedSince }

    private let settings: Settings
    private let loop: NIOIsolatedEventLoop
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let children: ChildProcesses
    private var deadMan: DeadManProcess?
    private var life: LifeMachine
    private let completion: (Int32) -> Void

    /// - Parameters:
    ///   - completion: called once, on the event loop, with the exit code that this process should end with.
    package init(
        _ settings: Settings, children: ChildProcesses = ChildProcesses(), eventLoop: any EventLoop, logger: Logger,
        completion: @escaping (Int32) -> Void
    ) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.logger = logger
        self.children = children
        self.completion = completion
        loop = eventLoop.assumeIsolated()
        life = LifeMachine(settings.life, at: BootTime.now)
        deadMan = DeadManProcess(settings.deadMan, children: children, eventLoop: eventLoop) { state in
            self.deadManChanged(state)
        }
    }

    /// Starts the server, and takes signals from now on.
    package func start(_ signals: SignalStream) {
        signals.forward(on: eventLoop) { self.receive($0) }
        perform([.start])
    }

    /// As SIGTERM does.
    package func stop() { perform(life.toldToEnd(at: BootTime.now)) }

    private func receive(_ number: Int32) {
        if number == SIGCHLD { return children.reap() }
        guard SignalStream.ends.contains(number) else {
            server?.send(number)
            return
        }
        logger.info("received signal \(number): stopping")
        perform(life.toldToEnd(at: BootTime.now))
    }

    // MARK: Actions

    private func perform(_ actions: [LifeMachine.Action]) {
        for action in actions {
            switch action {
            case .start: startServer()
            case .wake(let duration):
                loop.scheduleTask(in: .init(duration)) { self.perform(self.life.woken(at: BootTime.now)) }
            case .handOver:
                let handedOver = { self.perform(self.life.handedOver(at: BootTime.now)) }
                if let handOver { handOver(handedOver) } else { handedOver() }
            case .terminate: server?.send(SIGTERM)
            case .kill:
                logger.error("the server did not end in time after SIGTERM: it is killed")
                server?.kill()
            case .end(let code):
                deadMan?.stop()
                // Breaks the circle of references.
                deadMan = nil
                completion(code)
            }
        }
    }

    private func startServer() {
        do throws(SpawnError) {
            let server = try SupervisedProcess.start(settings.command, among: children) { process, end in
                self.serverEnded(process, end)
            }
            self.server = server
            life.started(at: BootTime.now)
            logger.info("started \(settings.command.program) as process \(server.identifier)")
            deadMan?.watch(server)
            whenServerChanged(server)
        } catch {
            logger.error("\(error)")
            perform(life.notStarted(code: error.exitCode, at: BootTime.now))
        }
    }

    private func serverEnded(_ process: SupervisedProcess, _ end: ProcessEnd) {
        server = nil
        deadMan?.stop()
        whenServerChanged(nil)
        let actions = life.serverEnded(end, at: BootTime.now)
        if case .wake(let duration)? = actions.first {
            logger.warning(
                "the server, process \(process.identifier), \(end); it is started again in \(duration.milliseconds) ms")
        } else {
            logger.info("the server, process \(process.identifier), \(end)")
        }
        perform(actions)
    }

    private func deadManChanged(_ state: DeadManProcess.State) {
        switch state {
        case .idle: break
        case .watching: logger.info("the dead-man process watches the server")
        case .absent:
            if let trouble = deadMan?.trouble { logger.error("there is no dead-man process: \(trouble)") }
        }
        whenDeadManChanged(state)
    }
}
