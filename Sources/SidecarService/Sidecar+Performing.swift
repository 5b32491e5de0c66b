import Logging
import RedisClient
import ReplicaSidecar
import Replication

extension Sidecar {
    /// Carries a change out, if the server is still what it was when the change was decided.
    ///
    /// - Parameter completion: why not, in words; `nil` where it is done.
    func perform(_ change: Change, _ completion: @escaping (_ failure: String?) -> Void) {
        // Between the look and now somebody may have promoted it, or sent REPLICAOF: a decision on other facts is void.
        local.ask([Answers.command("ROLE")]) { result in
            switch result {
            case .failure(let failure): completion("the local server \(failure)")
            case .success(let values):
                if let reason = Self.objection(to: change, role: values[0], followed: self.keeper.local) {
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
            return "the local server is a \(first) now"
        }
        let now = MasterAddress(host: host, port: Int(port))
        guard let link = followed?.replication.masterLink else { return nil }
        return now == MasterAddress(host: link.host, port: link.port) ? nil : "the local server follows \(now) now"
    }

    private func carryOut(_ change: Change, _ completion: @escaping (_ failure: String?) -> Void) {
        func replicaof(_ address: MasterAddress) -> [[UInt8]] {
            Answers.command("REPLICAOF", address.host, "\(address.port)")
        }
        let commands: [[[UInt8]]] =
            switch change.move {
            case .follow(let address): [replicaof(address), Answers.command("CONFIG", "REWRITE")]
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
                if let refusal = values[0].refusal { return completion("the local server \(refusal.words)") }
                if case .integer(0) = values[0] { return completion("there was no link to close") }
                if case .redial = change.move {
                    let refusal = values.compactMap(\.refusal).first
                    return completion(refusal.map { "the local server \($0.words)" })
                }
                if values.count > 1, let refusal = values[1].refusal {
                    // Without a file, or with one that cannot be written: the record has it all the same.
                    self.logger.info(
                        "CONFIG REWRITE is refused (-\(refusal.code)): the change is not in the server's file")
                }
                completion(nil)
            }
        }
    }
}
