import Logging
import NIOCore
import RedisClient
import ReplicaInit
import ReplicaSidecar

extension Sidecar {
    /// Reads environment and files anew, and tells the server what has changed in them, again and again until it has taken it.
    ///
    /// A password is exchanged in two steps: the new one is accepted beside the old one first, and the old one is dropped after
    /// ``SidecarConfiguration/passwordOverlap``, since not all pods see a changed Secret at the same time.
    func rotateSecrets() {
        do throws(PlanError) {
            let fresh = try configuration.readTarget()
            rotation.compare(target, with: fresh)
            if fresh != target || rotation.due.contains(.tls) { try take(fresh) }
        } catch {
            // In the middle of being written, perhaps; what was read before stays.
            return noteRotationTrouble("secrets cannot be read: \(Self.words(error))")
        }
        guard keeper.local != nil else { return }
        for step in rotation.due { perform(step) }
    }

    /// Goes by what was read anew from now on.
    private func take(_ fresh: SidecarTarget) throws(PlanError) {
        let before = Self.credentials(of: target)
        let now = Self.credentials(of: fresh)
        // The old password is kept until the server has dropped it.
        if let newest = now.first, newest.password != before.first?.password { local.credentials = now + before }
        target = fresh
        do {
            let tls = try ServerTLS.context(of: fresh)
            local.tls = tls
            show(fresh, tls: tls)
        } catch {
            noteRotationTrouble("the TLS files cannot be used: \(error)")
        }
    }

    /// Asks a server that is met for the first time for the secrets that it has.
    func compareSecrets() {
        guard target.password != nil || target.masterPassword != nil else { return }
        let commands = [
            Answers.command("CONFIG", "GET", "requirepass"), Answers.command("CONFIG", "GET", "masterauth"),
        ]
        local.ask(commands) { result in
            guard case .success(let values) = result, values.count == 2 else { return }
            let secrets = values.map { value -> [UInt8] in
                guard case .array(let pair) = value, pair.count == 2, case .bulk(let secret) = pair[1] else {
                    return []
                }
                return secret
            }
            if values.contains(where: { $0.refusal != nil }) { return }
            self.rotation.compare(serverPassword: secrets[0], masterPassword: secrets[1], with: self.target)
        }
    }

    private func perform(_ step: SecretRotation.Step) {
        guard !keeper.settings.isDryRun else {
            rotation.done(step)
            return logger.info("dry run: would \(step.words)")
        }
        local.ask(commands(of: step)) { result in
            switch result {
            case .failure(let failure): self.noteRotationTrouble("could not \(step.words): the local server \(failure)")
            case .success(let values):
                if let refusal = values.compactMap(\.refusal).first {
                    self.noteRotationTrouble("could not \(step.words): the local server \(refusal.words)")
                } else {
                    self.rotation.done(step)
                    self.counters.rotations += 1
                    self.rotationTrouble = nil
                    self.logger.info("done: \(step.words)")
                    if step == .addPassword { self.dropOldPasswordLater() }
                }
            }
        }
    }

    private func dropOldPasswordLater() {
        let password = target.password
        isolatedLoop.scheduleTask(in: .init(configuration.passwordOverlap)) {
            // Unless there is yet another one by now.
            guard self.target.password == password else { return }
            self.local.credentials = Self.credentials(of: self.target)
            self.rotation.add(.dropPassword)
        }
    }

    private func commands(of step: SecretRotation.Step) -> [[[UInt8]]] {
        func set(_ name: String, _ value: [UInt8]) -> [[UInt8]] { Answers.command("CONFIG", "SET", name) + [value] }
        switch step {
        case .masterPassword:
            return [set("masteruser", target.masterUser ?? []), set("masterauth", target.masterPassword ?? [])]
        case .addPassword:
            let rule = [UInt8(ascii: ">")] + (target.password ?? [])
            return [Answers.command("ACL", "SETUSER", "default") + [rule]]
        case .dropPassword: return [set("requirepass", target.password ?? [])]
        case .tls:
            // The same paths: what they lead to is read anew.
            let files = [
                ("tls-ca-cert-file", target.tls?.authorities), ("tls-key-file", target.tls?.key),
                ("tls-cert-file", target.tls?.certificate),
            ]
            // One is enough for all, and two would meet the pair half exchanged where the names differ.
            return files.compactMap { name, path in path.map { set(name, $0) } }.suffix(1)
        }
    }

    private func noteRotationTrouble(_ words: String) {
        counters.rotationFailures += 1
        // Once, not every two seconds.
        if rotationTrouble != words { logger.warning("\(words)") }
        rotationTrouble = words
    }

    private static func words(_ error: PlanError) -> String {
        switch error {
        case .usage(let text): text
        case .refused(let diagnostics): diagnostics.map(\.description).joined(separator: "; ")
        }
    }
}

extension SecretRotation.Step {
    var words: String {
        switch self {
        case .masterPassword: "show the master the new password (CONFIG SET masterauth)"
        case .addPassword: "accept the new password beside the old one (ACL SETUSER default)"
        case .dropPassword: "drop the old password (CONFIG SET requirepass)"
        case .tls: "read the TLS files anew (CONFIG SET tls-cert-file)"
        }
    }
}
