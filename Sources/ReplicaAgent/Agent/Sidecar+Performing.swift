import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisCore
import ReplicaReconciler

extension Sidecar {
    /// Carries a change out, if the server is still what it was when the change was decided.
    ///
    /// - Parameter completion: why not, in words; `nil` where it is done.
    func perform(_ change: Change, _ completion: @escaping (_ failure: String?) -> Void) {
        // Since the observation, an operator may have promoted it or sent REPLICAOF: then the decision is void.
        local.ask([Answers.command("ROLE")]) { result in
            switch result {
            case .failure(let failure): completion("the local server \(failure)")
            case .success(let values):
                if let reason = Self.objection(to: change, role: values[0], followed: self.reconciler.local) {
                    completion(reason)
                } else {
                    self.carryOut(change, completion)
                }
            }
        }
    }

    /// - Parameter role: the answer to ROLE: `slave`, host, port, state, offset.
    private static func objection(
        to change: Change, role: RedisValue, followed: ServerInformation?
    ) -> String? {
        if let refusal = role.refusal { return "ROLE: the local server \(refusal.words)" }
        guard case .array(let words) = role, let first = words.first?.text else { return "ROLE: an odd answer" }
        guard first == "slave", words.count >= 3, let host = words[1].text, case .integer(let port) = words[2] else {
            return "the local server is a \(printable(first.utf8, limit: 32)) now"
        }
        let now = MasterAddress(host: host, port: Int(port))
        guard let link = followed?.replication.masterLink else { return nil }
        return now == MasterAddress(host: link.host, port: link.port) ? nil : "the local server follows \(now) now"
    }

    /// Has a server that is started without redis-replica-init find the new master in its file, too.
    ///
    /// CONFIG REWRITE would write all that is in effect: users and save points of included files, which a next start reads twice.
    func changeServerFile(from before: MasterAddress, to master: MasterAddress) {
        guard let path = reconciler.local?.fields["config_file"], !path.isEmpty else { return }
        let file = ServerFile(path: path)
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.runIfActive(eventLoop: eventLoop) { file.replaceMaster(before, by: master) }
            .assumeIsolated().whenComplete { result in
                pool.shutdownGracefully { _ in }
                let path = printable(path.utf8)
                switch result {
                case .success(.changed): self.logger.info("\(path) names \(master) now, for a start without a record")
                case .success(.left(let reason)): self.logger.info("\(path) is left as it is: \(reason)")
                case .failure: break
                }
            }
    }

    private func carryOut(_ change: Change, _ completion: @escaping (_ failure: String?) -> Void) {
        func replicaof(_ address: MasterAddress) -> [[UInt8]] {
            Answers.command("REPLICAOF", address.host, "\(address.port)")
        }
        let commands: [[[UInt8]]] =
            switch change.move {
            case .follow(let address): [replicaof(address)]
            case .reconnect: [Answers.command("CLIENT", "KILL", "TYPE", "master")]
            case .redial(let name):
                [
                    Answers.command("MULTI"),
                    replicaof(MasterAddress(host: change.masterAddress, port: name.port)), replicaof(name),
                    Answers.command("EXEC"),
                ]
            }
        local.ask(commands) { result in
            switch result {
            case .failure(let failure): completion("the local server \(failure)")
            case .success(let values):
                for name in values.compactMap({ $0.refusal?.unknownCommand }) {
                    self.perform(self.reconciler.see(missingCommand: name))
                }
                if let refusal = values[0].refusal { return completion("the local server \(refusal.words)") }
                if case .integer(0) = values[0] { return completion("there was no link to close") }
                if case .redial = change.move {
                    let refusal = values.compactMap(\.refusal).first
                    return completion(refusal.map { "the local server \($0.words)" })
                }
                if case .follow(let master) = change.move, case .configured(let before) = change.cause {
                    self.changeServerFile(from: before, to: master)
                }
                completion(nil)
            }
        }
    }
}
