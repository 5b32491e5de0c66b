import RDBFile
import RedisClient

/// A rollback file beside the data of a server.
package struct RollbackComparison {
    /// Whom the file is compared with.
    package struct Server: Equatable, Sendable {
        /// `master`, or `slave`.
        package var role: String
        /// Of a replica: whether its link to its leader is up.
        package var isLinked: Bool?
    }

    package struct Outcome: Equatable, Sendable {
        /// `false`: damage of the file may go unseen.
        package var hasChecksum: Bool
        package var counts: [ComparedKey.State: Int]
    }

    package let server: Server
    private let live: LiveServer
    private let now: Int64
    private let commands: KeyComparison.Commands

    package init(_ live: LiveServer) throws(RollbackError) {
        self.live = live
        server = try Self.server(live)
        commands = try Self.commands(live)
        guard let time = try live.ask("TIME").time else {
            throw .server("gave an answer to TIME that cannot be read")
        }
        now = time
    }

    /// What the server is by now: a link may go down during a long comparison.
    package func serverNow() throws(RollbackError) -> Server { try Self.server(live) }

    /// The folder of rollback files beside the server's data.
    package static func folder(of live: LiveServer) throws(RollbackError) -> String {
        guard case .array(let pair) = try live.ask("CONFIG", "GET", "dir"), pair.count == 2,
            case .bulk(let folder) = pair[1]
        else { throw .server("does not say where it keeps its data (CONFIG GET dir)") }
        return String(decoding: folder, as: UTF8.self) + "/rollback"
    }

    /// - Parameter report: each key, in the order of the file.
    package func compare(
        file path: String, report: @escaping (ComparedKey) throws(RollbackError) -> Void
    ) throws(RollbackError) -> Outcome {
        let file = try OpenedFile(path)
        let live = live
        let comparison = KeyComparison(commands, now: now) { commands, database throws(RollbackError) in
            try live.ask(commands, in: database)
        } report: { key throws(RollbackError) in
            try report(key)
        }
        let summary: RDBReader.Summary
        do throws(RDBFileError) {
            summary = try file.read(comparison)
        } catch {
            // What was read before the damage is reported.
            _ = comparison.finishAll()
            throw comparison.failure ?? .file(path: path, error)
        }
        guard comparison.finishAll() else { throw comparison.failure ?? .server("does not answer") }
        return Outcome(hasChecksum: summary.hasChecksum, counts: comparison.counts)
    }

    private static func server(_ live: LiveServer) throws(RollbackError) -> Server {
        guard case .bulk(let text) = try live.ask("INFO", "replication") else {
            throw .server("gave an answer to INFO that cannot be read")
        }
        var values: [Substring: Substring] = [:]
        let lines = String(decoding: text, as: UTF8.self)
        for line in lines.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let role = values["role"] else { throw .server("gave an answer to INFO that cannot be read") }
        return Server(role: String(role), isLinked: values["master_link_status"].map { $0 == "up" })
    }

    /// A user that may not ask COMMAND is asked what every version knows.
    private static func commands(_ live: LiveServer) throws(RollbackError) -> KeyComparison.Commands {
        let names = ["PEXPIRETIME", "SMISMEMBER", "HPEXPIRETIME"]
        let answers = try live.ask([(["COMMAND", "INFO"] + names).map { Array($0.utf8) }], in: 0)
        guard case .array(let known)? = answers[0], known.count == names.count else { return [] }
        var commands: KeyComparison.Commands = []
        if known[0] != .null { commands.insert(.expiryTime) }
        if known[1] != .null { commands.insert(.several) }
        if known[2] != .null { commands.insert(.fieldExpiry) }
        return commands
    }
}
