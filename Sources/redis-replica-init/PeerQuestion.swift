import Glibc
import Hiredis
import ReplicaInit
import Replication

/// Asks one replica for its keys and its place in the history.
enum PeerQuestion {
    private static let timeout = Duration.seconds(2)
    private static let refusedText = unsafe String(cString: strerror(ECONNREFUSED))

    /// A connection, logged in where there is a password to give. What the server says to that counts only if it refuses
    /// the next command too: a server without a password refuses every one.
    static func connect(
        _ address: String, _ port: Int, _ credentials: GuardSettings.Credentials?, refusal: inout String?
    ) throws(BlockingConnectionError) -> BlockingConnection {
        var connection = try BlockingConnection(host: address, port: port, timeout: timeout)
        if let credentials {
            let user = credentials.user.map { [$0] } ?? []
            refusal = try connection.command([Array("AUTH".utf8)] + user + [credentials.password]).errorText
        }
        return connection
    }

    static func ask(_ address: String, _ port: Int, _ credentials: GuardSettings.Credentials?) -> BirthGuard.Sighting {
        do throws(BlockingConnectionError) {
            var refusal: String?
            var connection = try connect(address, port, credentials, refusal: &refusal)
            let reply = try connection.command("INFO")
            guard case .bulk(let text) = reply else { return refused(reply.errorText, refusal) }
            return sighting(text)
        } catch {
            switch error {
            case .connect(_, let reason): return reason == refusedText ? .refused : .silent(reason: reason)
            case .timedOut: return .silent(reason: "no answer within 2 s")
            case .broken: return .notPlain
            }
        }
    }

    private static func sighting(_ text: [UInt8]) -> BirthGuard.Sighting {
        guard !ReplicationInfo.isLoading(text) else { return .loading }
        guard let info = ReplicationInfo(parsing: text.span) else {
            return .silent(reason: "its answer to INFO cannot be read")
        }
        return .replica(
            .init(
                keys: keys(text), replicationID: info.replicationID, secondReplicationID: info.secondReplicationID,
                // A replica's own slave_repl_offset is 1 on 6.x once a master hung up on its PSYNC; this one stays, and is the same
                // otherwise. It is also what its RDB will say.
                offset: info.offset,
                follows: info.masterLink.map { MasterAddress(host: $0.host, port: $0.port) },
                isLinkUp: info.masterLink?.isUp ?? false))
    }

    /// The sum over the lines `dbN:keys=K,…`.
    private static func keys(_ text: [UInt8]) -> Int {
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.reduce(0) { sum, line in
            guard line.hasPrefix("db"), let equals = line.firstIndex(of: "="), line[..<equals].hasSuffix(":keys") else {
                return sum
            }
            return sum + (Int(line[line.index(after: equals)...].prefix { $0 != "," }) ?? 0)
        }
    }

    private static func refused(_ error: String?, _ authentication: String?) -> BirthGuard.Sighting {
        let code = (error ?? "no answer to INFO").prefix { $0 != " " }
        switch code {
        case "LOADING": return .loading
        case "NOAUTH" where authentication == nil:
            return .unauthenticated(reason: "it asks for a password; set REDIS_MASTER_PASSWORD or REDIS_PASSWORD")
        case "NOAUTH", "WRONGPASS":
            return .unauthenticated(reason: "it refuses the password; check REDIS_MASTER_PASSWORD and REDIS_PASSWORD")
        case "NOPERM": return .unauthenticated(reason: "the user may not INFO; grant it +info")
        default: return .silent(reason: "it refuses INFO (\(code))")
        }
    }
}
