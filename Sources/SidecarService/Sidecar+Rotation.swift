import Logging
import NIOCore
import RedisClient
import ReplicaInit
import ReplicaSidecar

extension Sidecar {
    /// What there may be trouble with; each is told by itself.
    enum RotationTopic: Hashable {
        case files, tls, comparison, owner, master
        /// By its words, since it holds a secret itself.
        case step(String)
    }

    /// Reads what has changed of the files, and carries out the steps that are due, again and again until the server has taken
    /// them.
    func rotateSecrets() {
        if source.hasChanged { readTarget() }
        if tlsFiles.haveChanged, target.tls != nil { readTLSFiles() }
        if let takes = master?.takesNewest, let password = master?.credentials.first?.password {
            rotation.seeMaster(takes: takes, password)
        }
        if rotation.isMasterLate(at: now) {
            note(.master, "the master still refuses the new REDIS_MASTER_PASSWORD; the replica shows it the old one")
        } else {
            settle(.master)
        }
        // A server that was not compared yet, or does not answer, is told later.
        guard let local = keeper.local, local.runID == comparedRunID, !isServerAway else { return }
        for step in rotation.steps(at: now) { perform(step) }
        dropCredentials()
    }

    private var isServerAway: Bool { if case .settled(.serverAway) = keeper.course { true } else { false } }

    private func readTarget() {
        do throws(PlanError) {
            let fresh = try source.read()
            settle(.files)
            guard fresh != target else { return }
            let before = target
            target = fresh
            // The old ones are kept until the servers know the new ones.
            if let newest = Self.credentials(of: fresh).first, newest.password != before.local.password {
                local.credentials = Array(([newest] + local.credentials).prefix(Self.maximumCredentials))
            }
            if let newest = Self.masterCredentials(of: fresh).first, newest.password != before.masterPassword {
                master?.credentials = Array(([newest] + (master?.credentials ?? [])).prefix(Self.maximumCredentials))
            }
            rotation.give(.init(fresh), at: now)
            noteOwner(whosePasswordWas: before.password)
        } catch {
            // In the middle of being written, perhaps; what was read before stays.
            counters.rotationFailures += 1
            note(.files, "secrets cannot be read, and stay as they were: \(Self.words(error))")
        }
    }

    private func readTLSFiles() {
        tlsFiles.begin()
        do {
            let tls = try ServerTLS.context(of: target, files: tlsFiles)
            local.tls = tls
            master?.tls = target.replicatesOverTLS ? tls : nil
            settle(.tls)
            rotation.giveTLSFiles()
        } catch {
            // A pair of which one half is there, perhaps: the server would refuse it, too.
            counters.rotationFailures += 1
            note(.tls, "the TLS files stay as they were: \(error)")
        }
    }

    /// Asks a server that is met for the first time in its life for the secrets that it has.
    func compareSecrets(of runID: String) {
        let names = ["requirepass", "masteruser", "masterauth", "aclfile"]
        local.ask(names.map { Answers.command("CONFIG", "GET", $0) }) { result in
            guard !self.isEnding, case .success(let values) = result else { return }
            self.comparedRunID = runID
            if let refusal = values.compactMap(\.refusal).first {
                return self.note(.comparison, "secrets cannot be compared: the local server \(refusal.words)")
            }
            self.settle(.comparison)
            let present = SecretRotation.Present(values.map(\.configuredValue))
            if !present.masterPassword.isEmpty, self.rotation.given.masterPassword != nil,
                present.masterPassword != self.target.masterPassword
            {
                self.master?.credentials.append((self.target.masterUser, present.masterPassword))
            }
            self.rotation.see(present, at: self.now)
            self.noteOwner(whosePasswordWas: present.password)
        }
    }

    private func perform(_ step: SecretRotation.Step) {
        guard !keeper.settings.isDryRun else {
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
                self.counters.rotationFailures += 1
                self.note(.step("\(step)"), "cannot have the server \(step): it \(failure); it is tried again")
            } else {
                self.rotation.done(step, at: self.now)
                self.counters.rotations += 1
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
            // The path that it has already, one of them: all files are read anew then (redis/redis `src/config.c`,
            // VOLATILE_CONFIG), and the pair is never met half exchanged.
            let files = [
                ("tls-cert-file", target.tls?.certificate), ("tls-ca-cert-file", target.tls?.authorities),
                ("tls-ca-cert-dir", target.tls?.authoritiesFolder),
            ]
            let known = files.compactMap { name, path in path.map { set(name, $0) } }
            return [known.first ?? Answers.command("PING")]
        }
    }

    /// Old passwords are forgotten once no server goes by them.
    private func dropCredentials() {
        guard !keeper.settings.isDryRun else { return }
        // Nobody knows when somebody changes a file of users.
        if !rotation.isExchangingPassword, rotation.owner != .userFile {
            local.credentials = Self.credentials(of: target)
        }
        if !rotation.isExchangingMasterPassword { master?.credentials = Self.masterCredentials(of: target) }
    }

    /// Tells whom a password has to be changed with that this process leaves alone.
    private func noteOwner(whosePasswordWas before: [UInt8]?) {
        guard rotation.owner == .userFile, target.password != nil, target.password != before else { return }
        note(
            .owner,
            """
            REDIS_PASSWORD is another one, and the server goes by its aclfile: send ACL SETUSER default with it, then write it \
            there
            """)
    }

    private func note(_ topic: RotationTopic, _ words: String) {
        // Once, not every two seconds.
        if rotationTroubles[topic] != words { logger.warning("\(words)") }
        rotationTroubles[topic] = words
    }

    /// There is no such trouble any more, and it is told when it comes back.
    private func settle(_ topic: RotationTopic) { rotationTroubles[topic] = nil }

    private static func words(_ error: PlanError) -> String {
        switch error {
        case .usage(let text): text
        case .refused(let diagnostics): diagnostics.map(\.description).joined(separator: "; ")
        }
    }
}
