import Glibc
import Hiredis
import ReplicaInit
import Replication

/// What is said to the replica that gives its data.
enum Donation {
    /// Whom a server followed until a moment ago.
    enum Before: Equatable {
        case master
        case replica(of: MasterAddress)
    }

    /// Has it follow another one, or itself first (``afterPromotion``), and tells whom it followed until then: one transaction, so
    /// that nobody can come in between.
    ///
    /// One that was a master in that moment has been promoted meanwhile, and is made a master again at once: nothing it
    /// was told is lost, since nobody can have given it other data yet.
    /// - Parameter afterPromotion: REPLICAOF NO ONE first, which gives a replica that knows no place in a history one.
    static func point(
        _ address: MasterAddress, to target: MasterAddress, afterPromotion: Bool = false,
        _ credentials: GuardSettings.Credentials?
    ) throws(ReseedFailure) -> MasterAddress {
        let wasFollowing = try withConnection(to: address, credentials) {
            (connection, refusal) throws(ReseedFailure) -> Before in
            var commands = [["ROLE"]]
            if afterPromotion { commands.append(["REPLICAOF", "NO", "ONE"]) }
            commands.append(["REPLICAOF", target.host, "\(target.port)"])
            let replies = try transaction(commands, address, &connection, refusal)
            guard case .array(let role) = replies[0], let word = role.first?.text else {
                throw .transfer("\(address) gives no answer to ROLE that could be read")
            }
            if word == "master" {
                _ = try transaction([["REPLICAOF", "NO", "ONE"]], address, &connection, refusal)
                return .master
            }
            guard role.count > 2, let host = role[1].text, let port = role[2].text.flatMap({ Int($0) }) else {
                throw .transfer("\(address) gives no answer to ROLE that could be read")
            }
            return .replica(of: MasterAddress(host: host, port: port))
        }
        guard case .replica(let followed) = wasFollowing else {
            throw .otherMaster("\(address) was promoted this moment, and is left a master")
        }
        return followed
    }

    /// Sends SYNC. The connection has to live as long as what comes is read from the descriptor.
    static func synchronise(
        _ connection: inout BlockingConnection, _ address: MasterAddress, refusal: String?
    ) throws(ReseedFailure) -> Int32 {
        // Takes an RDB that is sent without a file too, as the replica's own configuration has it.
        let reply = try ask(&connection, ["REPLCONF", "capa", "eof"])
        if let error = reply.errorText { throw .transfer(refused("REPLCONF", address, error, refusal)) }
        do throws(BlockingConnectionError) {
            return try connection.stream([Array("SYNC".utf8)])
        } catch {
            throw .transfer("\(error)")
        }
    }

    private static func transaction(
        _ commands: [[String]], _ address: MasterAddress, _ connection: inout BlockingConnection, _ refusal: String?
    ) throws(ReseedFailure) -> [BlockingReply] {
        for command in [["MULTI"]] + commands {
            let reply = try ask(&connection, command)
            if let error = reply.errorText { throw .transfer(refused(command[0], address, error, refusal)) }
        }
        let reply = try ask(&connection, ["EXEC"])
        guard case .array(let replies) = reply, replies.count == commands.count else {
            throw .transfer(refused("EXEC", address, reply.errorText ?? "no answer", refusal))
        }
        for (command, reply) in zip(commands, replies) {
            if let error = reply.errorText { throw .transfer(refused(command[0], address, error, refusal)) }
        }
        return replies
    }

    private static func ask(
        _ connection: inout BlockingConnection, _ command: [String]
    ) throws(ReseedFailure) -> BlockingReply {
        do throws(BlockingConnectionError) {
            return try connection.command(command.map { Array($0.utf8) })
        } catch {
            throw .transfer("\(error)")
        }
    }

    static func withConnection<Result>(
        to address: MasterAddress, _ credentials: GuardSettings.Credentials?,
        _ body: (inout BlockingConnection, _ refusal: String?) throws(ReseedFailure) -> Result
    ) throws(ReseedFailure) -> Result {
        var refusal: String?
        var connection = try connect(to: address, credentials, refusal: &refusal)
        return try body(&connection, refusal)
    }

    static func connect(
        to address: MasterAddress, _ credentials: GuardSettings.Credentials?, refusal: inout String?
    ) throws(ReseedFailure) -> BlockingConnection {
        do throws(BlockingConnectionError) {
            return try PeerQuestion.connect(address.host, address.port, credentials, refusal: &refusal)
        } catch {
            throw .transfer("\(error)")
        }
    }

    /// Why a command was refused, with the cure and without a secret: error replies name commands and users, no passwords.
    private static func refused(_ command: String, _ address: MasterAddress, _ error: String, _ refusal: String?)
        -> String
    {
        // EXEC tells what it refuses behind a code of its own: EXECABORT … because of: NOPERM …
        let words = error.split(separator: " ")
        return switch words.contains("NOPERM") ? "NOPERM" : words.first {
        case "NOPERM":
            "\(address) does not let this user \(command); it needs +multi +exec +role +replicaof +replconf +sync +info there"
        case "NOAUTH" where refusal == nil, "WRONGPASS" where refusal == nil:
            "\(address) asks for a password; set REDIS_MASTER_PASSWORD or REDIS_PASSWORD"
        case "NOAUTH", "WRONGPASS":
            "\(address) refuses the password; check REDIS_MASTER_PASSWORD and REDIS_PASSWORD"
        default: "\(address) refuses \(command): \(error)"
        }
    }
}
