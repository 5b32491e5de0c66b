import Logging
import NIOCore
import RedisClient
import RedisCore
import ReplicaPlanning
import ReplicaReconciler

/// Carries secrets and TLS files that change on disk to a server that runs, and to those who ask it and its master.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class SecretRotator {
    typealias Credentials = Sidecar.Credentials

    /// What there may be trouble with; each is logged by itself.
    private enum Topic: Hashable {
        case files, tls, comparison, owner, master
        /// By its words, since it holds a secret itself.
        case step(String)
    }

    private let local: LocalServer
    private let isDryRun: Bool
    private let logger: Logger
    private(set) var target: SidecarTarget
    private var rotation: SecretRotation
    /// How the master is logged in to, the newest first: while a password is rotated there are two.
    private(set) var masterCredentials: Credentials
    private(set) var masterTLS: RedisTLS?
    private(set) var sentinelTLS: RedisTLS?
    private(set) var rotations = 0
    private(set) var failures = 0
    /// What the log last said of each, so that it says it once.
    private var troubles: [Topic: String] = [:]
    /// The life of the local server whose secrets were compared.
    private(set) var comparedRunID: String?
    /// Called when the server, or its master, is to be asked in another way.
    var whenAccessChanges: () -> Void = {}
    var isEnding = false

    init(
        _ found: SecretFiles.First, local: LocalServer, overlap: Duration, seesMaster: Bool, isDryRun: Bool,
        logger: Logger
    ) {
        self.local = local
        self.isDryRun = isDryRun
        self.logger = logger
        target = found.target
        masterCredentials = Sidecar.masterCredentials(of: found.target)
        masterTLS = found.tls.master
        sentinelTLS = found.tls.sentinel
        rotation = SecretRotation(.init(found.target), overlap: overlap, seesMaster: seesMaster)
    }

    private var now: Duration { BootClock.now() }

    /// The replica still shows its master another password than the newest.
    var isExchangingMasterPassword: Bool { rotation.isExchangingMasterPassword }

    /// Takes what has changed of the files.
    func take(_ findings: SecretFiles.Findings) {
        if let fresh = findings.target { take(fresh) }
        if let tls = findings.tls { take(tls) }
    }

    /// The master was asked with this password, and let somebody in with it or did not.
    func seeMaster(takes: Bool, _ password: [UInt8]) { rotation.seeMaster(takes: takes, password) }

    /// Carries out the steps that are due, again and again until the server has taken them.
    ///
    /// - Parameter run: the life of the server that answers now; `nil`: none does.
    func proceed(_ run: String?) {
        if rotation.isMasterLate(at: now) {
            note(.master, "the master still refuses the new REDIS_MASTER_PASSWORD; the replica shows it the old one")
        } else {
            settle(.master)
        }
        // A server that was not compared yet, or does not answer, is logged later.
        guard let run, run == comparedRunID else { return }
        for step in rotation.steps(at: now) { perform(step) }
        dropCredentials()
    }

    private func take(_ reading: Result<SidecarTarget, PlanError>) {
        do throws(PlanError) {
            let fresh = try reading.get()
            settle(.files)
            guard fresh != target else { return }
            let before = target
            target = fresh
            local.servesStaleData = fresh.local.servesStaleData
            // The old ones are kept until the servers know the new ones.
            if let newest = Sidecar.credentials(of: fresh).first, newest.password != before.local.password {
                local.credentials = Array(([newest] + local.credentials).prefix(Sidecar.maximumCredentials))
            }
            if let newest = Sidecar.masterCredentials(of: fresh).first, newest.password != before.masterPassword {
                masterCredentials = Array(([newest] + masterCredentials).prefix(Sidecar.maximumCredentials))
            }
            rotation.give(.init(fresh), at: now)
            noteOwner(whosePasswordWas: before.password)
            whenAccessChanges()
        } catch {
            // In the middle of being written, perhaps; what was read before stays.
            failures += 1
            note(.files, "secrets cannot be read, and stay as they were: \(Self.words(error))")
        }
    }

    private func take(_ reading: Result<ServerTLS, ServerTLSError>) {
        do throws(ServerTLSError) {
            let tls = try reading.get()
            local.tls = tls.local
            masterTLS = tls.master
            sentinelTLS = tls.sentinel
            settle(.tls)
            rotation.giveTLSFiles()
            whenAccessChanges()
        } catch {
            // A pair of which one half is there, perhaps: the server would refuse it, too.
            failures += 1
            note(.tls, "the TLS files stay as they were: \(error)")
        }
    }

    /// Asks a server that is met for the first time in its life for the secrets that it has.
    ///
    /// - Parameter completion: called when it has answered.
    func compare(_ runID: String, _ completion: @escaping () -> Void) {
        let names = ["requirepass", "masteruser", "masterauth", "aclfile"]
        local.ask(names.map { Answers.command("CONFIG", "GET", $0) }) { result in
            guard !self.isEnding, case .success(let values) = result else { return }
            let refusal = values.compactMap(\.refusal).first
            if RedisErrorCode(rawValue: refusal?.code ?? "") == .needsPassword {
                // The next connection logs in with what the files have by then, and compares.
                self.local.close()
            } else {
                self.comparedRunID = runID
            }
            completion()
            if let refusal {
                return self.note(.comparison, "secrets cannot be compared: the local server \(refusal.words)")
            }
            self.settle(.comparison)
            let present = SecretRotation.Present(values.map(\.configuredValue))
            if !present.masterPassword.isEmpty, self.rotation.given.masterPassword != nil,
                present.masterPassword != self.target.masterPassword
            {
                self.masterCredentials.append((self.target.masterUser, present.masterPassword))
                self.whenAccessChanges()
            }
            self.rotation.see(present, at: self.now)
            self.noteOwner(whosePasswordWas: present.password)
        }
    }

    private func perform(_ step: SecretRotation.Step) {
        guard !isDryRun else {
            rotation.done(step, at: now)
            return logger.info("dry run: would have the server \(step)")
        }
        local.ask(Self.commands(of: step, target)) { result in
            guard !self.isEnding else { return }
            let failure: String? =
                switch result {
                case .failure(let failure): failure.description
                case .success(let values): values.compactMap(\.refusal).first?.words
                }
            if let failure {
                self.failures += 1
                self.note(.step("\(step)"), "cannot have the server \(step): it \(failure); it is tried again")
            } else {
                self.rotation.done(step, at: self.now)
                self.rotations += 1
                self.settle(.step("\(step)"))
                self.logger.info("had the server \(step)")
            }
        }
    }

    private static func commands(of step: SecretRotation.Step, _ target: SidecarTarget) -> [[[UInt8]]] {
        func set(_ name: String, _ value: [UInt8]) -> [[UInt8]] { Answers.command("CONFIG", "SET", name) + [value] }
        switch step {
        case .add(let password):
            return [Answers.command("ACL", "SETUSER", "default") + [[UInt8(ascii: ">")] + password]]
        case .takeOnly(let password): return [set("requirepass", password)]
        case .show(let user, let password):
            return (user.map { [set("masteruser", $0)] } ?? []) + [set("masterauth", password)]
        case .readTLSFiles:
            // One of the paths that it already has: it then reads all files again (redis/redis `src/config.c`,
            // VOLATILE_CONFIG), and never uses an old file with a new one.
            let files = [
                ("tls-cert-file", target.tls?.certificate), ("tls-ca-cert-file", target.tls?.authorities),
                ("tls-ca-cert-dir", target.tls?.authoritiesFolder),
            ]
            let known = files.compactMap { name, path in path.map { set(name, $0) } }
            return [known.first ?? Answers.command("PING")]
        }
    }

    /// Old passwords are dropped once no server uses them.
    private func dropCredentials() {
        guard !isDryRun else { return }
        let before = (local.credentials, masterCredentials)
        // A file of users may change at any time.
        if !rotation.isExchangingPassword, rotation.owner != .userFile {
            local.credentials = Sidecar.credentials(of: target)
        }
        if !rotation.isExchangingMasterPassword { masterCredentials = Sidecar.masterCredentials(of: target) }
        let isSame =
            before.0.elementsEqual(local.credentials, by: ==) && before.1.elementsEqual(masterCredentials, by: ==)
        if !isSame { whenAccessChanges() }
    }

    /// Tells whom a password has to be changed with that this process leaves alone.
    private func noteOwner(whosePasswordWas before: [UInt8]?) {
        guard rotation.owner == .userFile, target.password != nil, target.password != before else { return }
        note(
            .owner,
            """
            REDIS_PASSWORD is another one, and the server uses its aclfile: send ACL SETUSER default with it, then write it \
            there
            """)
    }

    private func note(_ topic: Topic, _ words: String) {
        // Once, not every two seconds.
        if troubles[topic] != words { logger.warning("\(words)") }
        troubles[topic] = words
    }

    /// There is no such trouble any more, and it is logged when it comes back.
    private func settle(_ topic: Topic) { troubles[topic] = nil }

    private static func words(_ error: PlanError) -> String {
        switch error {
        case .usage(let text): text
        case .refused(let diagnostics): diagnostics.map(\.description).joined(separator: "; ")
        }
    }
}
