import RedisClient
package import ReplicaReconciler

/// What one redis-server says of itself, as far as fail-over needs it.
package struct ServerAnswer: Equatable, Sendable {
    package var information: ServerInformation
    /// The agent's limit is set: a master refuses writes (`-NOREPLICAS`).
    package var refusesWrites: Bool

    /// What is asked; ``init(_:)`` reads the answers.
    static let commands = [
        command("INFO", "replication"), command("INFO", "server"), command("INFO", "persistence"),
        command("INFO", "keyspace"), command("CONFIG", "GET", "min-replicas-*"),
    ]

    package init(information: ServerInformation, refusesWrites: Bool) {
        self.information = information
        self.refusesWrites = refusesWrites
    }

    /// - Returns: `nil` where an answer is none to its command. A user without the right to CONFIG GET sees every master take
    ///   writes.
    init?(_ values: [RedisValue]) {
        guard values.count == Self.commands.count else { return nil }
        var sections: [[UInt8]] = []
        for value in values.dropLast() {
            guard case .bulk(let text) = value else { return nil }
            sections.append(text)
        }
        guard let information = ServerInformation(parsing: sections), information.hasKeyspace,
            !information.runID.isEmpty
        else { return nil }
        self.init(information: information, refusesWrites: Self.refusesWrites(values[values.count - 1]))
    }

    private static func refusesWrites(_ value: RedisValue) -> Bool {
        guard case .array(let words) = value else { return false }
        var settings: [String: Int] = [:]
        for (name, value) in zip(words, words.dropFirst()) {
            if case .bulk(let name) = name, case .bulk(let value) = value {
                settings[String(decoding: name, as: UTF8.self)] = Int(String(decoding: value, as: UTF8.self))
            }
        }
        // With a lag of 0 the server does not count replicas at all.
        return (settings["min-replicas-to-write"] ?? 0) >= WriteGate.closed && settings["min-replicas-max-lag"] != 0
    }

    var fields: [String: String] { information.fields }
    package var run: String { information.runID }
    /// What it writes an append-only file of, and so starts from.
    var isAppendOnly: Bool { fields["aof_enabled"] == "1" }
    /// The append-only file on disk may not be the one of these data yet.
    var rewritesAppendOnlyFile: Bool {
        isAppendOnly
            && (fields["aof_rewrite_in_progress"] == "1" || fields["aof_rewrite_scheduled"] == "1"
                || fields["aof_last_bgrewrite_status"] == "err")
    }
    /// Commands that clients have an answer to, and that are not in the append-only file: while the disk is busy with fsync,
    /// `appendfsync everysec` puts off the write for up to two seconds (7.0 and 9.1, ran), and SIGKILL loses them.
    var hasUnwrittenCommands: Bool { isAppendOnly && fields["aof_buffer_length"] != "0" }
    package var changes: DataChanges? {
        guard let sinceSave = fields["rdb_changes_since_last_save"], let savedAt = fields["rdb_last_save_time"] else {
            return nil
        }
        return DataChanges(sinceSave: sinceSave, savedAt: savedAt)
    }
    var isLoading: Bool { information.isLoading || fields["async_loading"] == "1" }
    var hasBacklog: Bool { fields["repl_backlog_active"] == "1" }
    /// Which server it is: `redis 8.0.6`, `valkey 9.1.0`. Two that say the same read each other's data; `nil` where it does not say.
    package var server: String? {
        for name in ["valkey", "redict", "redis"] {
            if let version = fields["\(name)_version"] { return "\(name) \(version)" }
        }
        return nil
    }
    /// Whether `CLIENT PAUSE … WRITE` is there (6.2).
    var pausesWritesAlone: Bool {
        let numbers = (fields["redis_version"] ?? "").split(separator: ".").compactMap { Int($0) }
        return numbers.count > 1 && (numbers[0], numbers[1]) >= (6, 2)
    }
}
