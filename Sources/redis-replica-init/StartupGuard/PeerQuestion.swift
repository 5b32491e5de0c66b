import Glibc
import Hiredis
import OpenSSL
import RedisCore
import ReplicaPlanning

/// Asks one replica for its keys and its place in the history.
enum PeerQuestion {
    /// For the whole question: the connect, the log-in and the answer.
    private static let timeout = Duration.seconds(2)
    private static let refusedText = unsafe String(cString: strerror(ECONNREFUSED))
    /// What a connect ends with where no machine answers.
    private static let unreachableTexts = [ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN].map {
        unsafe String(cString: strerror($0))
    }

    /// A connection, logged in where there is a password to give. What the server says to that counts only if it refuses
    /// the next command too: a server without a password refuses every one.
    /// - Parameters:
    ///   - timeout: for everything that goes over it, but a stream.
    ///   - elements: how many an answer may have, where one is an array.
    static func connect(
        _ address: String, _ port: Int, _ access: PeerAccess, within timeout: Duration = timeout,
        elements: Int = 0, refusal: inout String?
    ) throws(BlockingConnectionError) -> BlockingConnection {
        let begin = Moment.now
        var connection = try BlockingConnection(host: address, port: port, timeout: min(timeout, Self.timeout))
        connection.maximumReplyElements = elements
        connection.maximumReplyBytes = BoundedTransport.maximumBytes
        do throws(TLSError) {
            try connection.secure { (socket) throws(TLSError) in
                let left = timeout - .milliseconds(begin.elapsedMilliseconds)
                let secured = try access.tls.map { (tls) throws(TLSError) in
                    try TLSTransport(tls, over: socket, within: min(left, Self.timeout))
                }
                return BoundedTransport(socket, secured, since: begin, within: timeout)
            }
        } catch {
            throw .connect(address: "\(MasterAddress(host: address, port: port))", reason: error.description)
        }
        if let credentials = access.credentials {
            let user = credentials.user.map { [$0] } ?? []
            refusal = try connection.command([Array("AUTH".utf8)] + user + [credentials.password]).errorText
        }
        return connection
    }

    static func ask(_ address: String, _ port: Int, _ access: PeerAccess) -> StartupGuard.Observation {
        var refusal: String?
        do throws(BlockingConnectionError) {
            var connection = try connect(address, port, access, refusal: &refusal)
            let reply = try connection.command("INFO")
            guard case .bulk(let text) = reply else { return refused(reply.errorText, refusal) }
            return observation(text)
        } catch {
            switch error {
            case .connect(_, refusedText): return .refused
            case .connect(_, let reason) where unreachableTexts.contains(reason): return .unreachable(reason: reason)
            case .connect(_, let reason): return .silent(reason: reason)
            case .timedOut: return .silent(reason: "no answer within 2 s")
            case .broken(_, _, let reason)
            where access.tls != nil || reason == BoundedTransport.tooLong:
                return .silent(reason: reason)
            case .refused(_, let error): return .silent(reason: error.description)
            case .broken:
                guard let code = refusal?.prefix(while: { $0 != " " }) else { return .notPlain }
                return .silent(reason: "it refuses AUTH (\(printable(code.utf8, limit: 32))) and closes the connection")
            }
        }
    }

    /// What a server takes for a log-in; nil where it has no password, or another one.
    static func accepted(_ access: PeerAccess, by address: MasterAddress) -> GuardSettings.Credentials? {
        var refusal: String?
        let isReached = (try? connect(address.host, address.port, access, refusal: &refusal)) != nil
        return isReached && refusal == nil ? access.credentials : nil
    }

    private static let unreadable = StartupGuard.Observation.silent(reason: "its answer to INFO cannot be read")

    private static func observation(_ text: [UInt8]) -> StartupGuard.Observation {
        guard let info = ReplicationInfo(parsing: text.span) else { return unreadable }
        if ReplicationInfo.isLoading(text) { return info.role == .master ? .loadingMaster : .loading }
        guard let keyspace = Keyspace(parsing: text) else { return unreadable }
        return .replica(
            .init(
                keys: Int(keyspace.keys),
                replicationID: info.replicationID, secondReplicationID: info.secondReplicationID,
                // A replica's own slave_repl_offset is 1 on 6.x once a master hung up on its PSYNC; this one stays, and is the same
                // otherwise. It is also what its RDB will say.
                offset: info.offset,
                follows: info.masterLink.map { MasterAddress(host: $0.host, port: $0.port) },
                isLinkUp: info.masterLink?.isUp ?? false, secondOffset: info.secondOffset,
                silentSeconds: info.masterLink?.silentSeconds,
                databases: keyspace.databases.map { .init(number: $0.number, keys: Int($0.keys)) }))
    }

    private static func refused(_ error: String?, _ authentication: String?) -> StartupGuard.Observation {
        guard let error else { return unreadable }
        let code = error.prefix { $0 != " " }
        switch code {
        case "NOAUTH" where authentication == nil:
            return .unauthenticated(reason: "it asks for a password; set REDIS_MASTER_PASSWORD or REDIS_PASSWORD")
        case "NOAUTH", "WRONGPASS":
            return .unauthenticated(reason: "it refuses the password; check REDIS_MASTER_PASSWORD and REDIS_PASSWORD")
        case "NOPERM": return .unauthenticated(reason: "the user may not INFO; grant it +info")
        default: return .silent(reason: "it refuses INFO (\(printable(code.utf8, limit: 32)))")
        }
    }
}
