package import Logging
package import NIOCore
import ReplicaReconciler

/// Keeps the secrets of a fail-over node as its files have them: the server gets new ones while it runs, and the agent learns
/// how to log in to it and to the other nodes.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class SecretWatch {
    /// What the watch cannot know by itself.
    package struct Surroundings {
        /// The life of the server beside this process that answers now; `nil`: none does.
        package var servingRun: () -> String?
        /// Asks the other nodes whether they take a login. Called back with `nil` where none of them answers.
        package var othersTake: (ServerAccess.Login, @escaping (Bool?) -> Void) -> Void
        /// Called with how the servers are reached from now on.
        package var accessChanged: (ServerAccess) -> Void

        package init(
            servingRun: @escaping () -> String?,
            othersTake: @escaping (ServerAccess.Login, @escaping (Bool?) -> Void) -> Void,
            accessChanged: @escaping (ServerAccess) -> Void
        ) {
            self.servingRun = servingRun
            self.othersTake = othersTake
            self.accessChanged = accessChanged
        }
    }

    /// A connection of its own to the server beside this process, opened when it is needed.
    package let local: LocalServer
    private var access: ServerAccess
    private let rotator: SecretRotator
    private let surroundings: Surroundings
    private let work: FileWork
    private let eventLoop: NIOIsolatedEventLoop
    private var timer: Scheduled<Void>?

    /// - Parameter overlap: how long an old password is taken beside a new one.
    package init(
        _ access: ServerAccess, overlap: Duration, eventLoop: any EventLoop, logger: Logger,
        surroundings: Surroundings
    ) {
        self.access = access
        self.surroundings = surroundings
        self.eventLoop = eventLoop.assumeIsolated()
        work = FileWork(eventLoop: eventLoop)
        local = LocalServer(
            endpoints: access.endpoints, credentials: access.logins, tls: access.tls, eventLoop: eventLoop)
        // Every other node may be the master.
        rotator = SecretRotator(
            access.found, local: local, overlap: overlap, seesMaster: true, isDryRun: false, logger: logger)
        rotator.whenAccessChanges = { [unowned self] in self.tell() }
    }

    package var counts: (rotations: Int, failures: Int) { (rotator.rotations, rotator.failures) }

    package func start() {
        timer = eventLoop.scheduleTask(in: Sidecar.secretsInterval) {
            let (files, target) = (self.access.files, self.rotator.target)
            self.work.perform {
                files.look(target)
            } completion: { findings in
                guard !self.rotator.isEnding else { return }
                self.rotator.take(findings)
                self.proceed()
                self.start()
            }
        }
    }

    package func stop() {
        rotator.isEnding = true
        timer?.cancel()
        local.close()
    }

    private func proceed() {
        guard let run = surroundings.servingRun() else { return }
        if run != rotator.comparedRunID { return rotator.compare(run) {} }
        guard rotator.isExchangingMasterPassword, let newest = rotator.masterCredentials.first else {
            return rotator.proceed(run)
        }
        surroundings.othersTake(newest) { takes in
            guard !self.rotator.isEnding else { return }
            if let takes { self.rotator.seeMaster(takes: takes, newest.password) }
            self.rotator.proceed(self.surroundings.servingRun())
        }
    }

    private func tell() {
        access.logins = local.credentials
        access.tls = local.tls
        access.peerLogins = rotator.masterCredentials
        access.peerTLS = rotator.masterTLS
        surroundings.accessChanged(access)
    }
}
