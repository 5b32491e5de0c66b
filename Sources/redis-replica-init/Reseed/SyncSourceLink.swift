import Glibc
import Hiredis
import RedisCore
import ReplicaPlanning

/// What is said to the replica that gives its data.
enum SyncSourceLink {
    /// Whom a server followed until a moment ago.
    enum Before: Equatable {
        case master
        case replica(of: MasterAddress)
    }

    /// Has it follow another one, or itself first (``afterPromotion``), and returns whom it followed until then: one
    /// transaction, so that no other client can come in between.
    ///
    /// If it was a master in that moment, it has been promoted meanwhile, and is made a master again at once: no write to it
    /// is lost, since it cannot have got other data yet.
    /// - Parameter afterPromotion: REPLICAOF NO ONE first, which gives a replica that knows no place in a history one.
    static func point(
        _ address: MasterAddress, to target: MasterAddress, afterPromotion: Bool = false,
        _ access: PeerAccess
    ) throws(ReseedFailure) -> MasterAddress {
        let wasFollowing = try withConnection(to: address, access) {
            (connection, refusal) throws(ReseedFailure) -> Before in
            var commands = [["ROLE"]]
            if afterPromotion { commands.append(["REPLICAOF", "NO", "ONE"]) }
            commands.append(["REPLICAOF", target.host, "\(target.port)"])
            let replies = try transaction(commands, address, &connection, refusal)
            guard case .array(let role) = replies[0], let word = role.first?.text else {
                throw .transfer("\(address) gives an answer to ROLE that cannot be read")
            }
            if word == "master" {
                _ = try transaction([["REPLICAOF", "NO", "ONE"]], address, &connection, refusal)
                return .master
            }
            guard role.count > 2, let host = role[1].text, let port = role[2].text,
                let followed = MasterAddress(host: host[...], port: port[...])
            else {
                throw .transfer("\(address) gives an answer to ROLE that cannot be read")
            }
            return .replica(of: followed)
        }
        guard case .replica(let followed) = wasFollowing else {
            throw .otherMaster("\(address) was promoted just now, and stays a master")
        }
        return followed
    }

    /// Sends SYNC.
    ///
    /// - Parameter own: what this master will run: the RDB is for that server, and asked for as its own replicas ask.
    static func synchronise(
        _ address: MasterAddress, for own: ServerVersion?, _ access: PeerAccess
    ) throws(ReseedFailure) -> DataStream {
        var refusal: String?
        var connection = try connect(to: address, access, refusal: &refusal)
        if let version = own?.announcement {
            let reply = try ask(&connection, ["REPLCONF", "version", version])
            // Redis and redict do not know the option, and need not.
            if let error = reply.errorText, error.split(separator: " ").first != "ERR" {
                throw .transfer(refused("REPLCONF", address, error, refusal))
            }
        }
        // Takes an RDB that is sent without a file too, as the replica's own configuration has it.
        let reply = try ask(&connection, ["REPLCONF", "capa", "eof"])
        if let error = reply.errorText { throw .transfer(refused("REPLCONF", address, error, refusal)) }
        do throws(BlockingConnectionError) {
            let descriptor = try connection.stream([Array("SYNC".utf8)])
            let session = (connection.transport as? BoundedTransport)?.secured?.session
            return DataStream(connection, over: descriptor, session)
        } catch {
            throw .transfer("\(error)")
        }
    }

    /// What a replica runs; nil where it cannot be asked.
    static func version(
        of address: MasterAddress, _ access: PeerAccess
    ) -> ServerVersion? {
        var refusal: String?
        guard var connection = try? connect(to: address, access, refusal: &refusal) else { return nil }
        return (try? ask(&connection, ["INFO", "server"]))?.text.flatMap { ServerVersion(information: $0) }
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
        to address: MasterAddress, _ access: PeerAccess,
        _ body: (inout BlockingConnection, _ refusal: String?) throws(ReseedFailure) -> Result
    ) throws(ReseedFailure) -> Result {
        var refusal: String?
        var connection = try connect(to: address, access, refusal: &refusal)
        return try body(&connection, refusal)
    }

    /// ROLE of a server with 1,000 replicas has 4,003, and stands in the answer to EXEC.
    private static let elementsLimit = 4_096

    static func connect(
        to address: MasterAddress, _ access: PeerAccess, refusal: inout String?
    ) throws(ReseedFailure) -> BlockingConnection {
        do throws(BlockingConnectionError) {
            return try PeerQuestion.connect(
                address.host, address.port, access, within: .seconds(10), elements: elementsLimit, refusal: &refusal)
        } catch {
            throw .transfer("\(error)")
        }
    }

    /// Why a command was refused, with the cure and without a secret: error replies name commands and users, no passwords.
    private static func refused(_ command: String, _ address: MasterAddress, _ error: String, _ refusal: String?)
        -> String
    {
        // EXEC tells what it refuses behind its own code: EXECABORT … because of: NOPERM …
        let words = error.split(separator: " ")
        return switch words.contains("NOPERM") ? "NOPERM" : words.first {
        case "NOPERM":
            "\(address) does not let this user \(command); it needs +multi +exec +role +replicaof +replconf +sync +info there"
        case "NOAUTH" where refusal == nil, "WRONGPASS" where refusal == nil:
            "\(address) asks for a password; set REDIS_MASTER_PASSWORD or REDIS_PASSWORD"
        case "NOAUTH", "WRONGPASS":
            "\(address) refuses the password; check REDIS_MASTER_PASSWORD and REDIS_PASSWORD"
        default: "\(address) refuses \(command): \(printable(error.utf8))"
        }
    }
}
