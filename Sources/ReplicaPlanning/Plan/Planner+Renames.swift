import RedisConf

extension Planner {
    /// What the programs of this project send to servers, and what a replica sends its master.
    private static var sentCommands: [String] {
        [
            "ACL", "AUTH", "CLIENT", "CONFIG", "DBSIZE", "EXEC", "INFO", "MULTI", "PING", "PSYNC", "REPLCONF",
            "REPLICAOF",
            "ROLE", "SYNC",
        ]
    }

    /// A command that has another name, or none: the server starts, and what sends it fails later, when it is needed most.
    mutating func checkRenamedCommands() {
        guard role != .standalone else { return }
        for setting in effective.all("rename-command") {
            let values = setting.entry.values
            guard values.count == 2,
                let name = Self.sentCommands.first(where: { equalsIgnoringCase(values[0], $0) }),
                !equalsIgnoringCase(values[1], name)
            else { continue }
            report(.warning, .commandRenamed(name), at: origin(of: setting))
        }
    }
}
