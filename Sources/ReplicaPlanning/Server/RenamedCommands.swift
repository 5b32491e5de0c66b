import RedisConf

/// What `rename-command` lines make of a server's commands. A server prints the line that it refuses, and with it the new
/// name, which is a password to those who know it.
struct RenamedCommands {
    /// Nil where nothing is known of the server's commands: then nothing is refused.
    private let release: ServerRelease?
    private var given: [[UInt8]] = []
    private var gone: [[UInt8]] = []

    init(release: ServerRelease?) { self.release = release }

    /// Takes the arguments of the next line.
    /// - Returns: why the server refuses it.
    mutating func take(_ arguments: [[UInt8]]) -> StartProblem? {
        guard let release, arguments.count == 2 else { return nil }
        let old = arguments[0].lowercasedASCII
        let new = arguments[1].lowercasedASCII
        if !has(old, { release.columns.contains(where: $0) }) { return .unknownCommand(server: release.name) }
        given.removeAll { $0 == old }
        gone.append(old)
        if new.isEmpty { return nil }
        if has(new, { release.columns.allSatisfy($0) }) { return .commandNameTaken(server: release.name) }
        gone.removeAll { $0 == new }
        given.append(new)
        return nil
    }

    /// - Parameter columns: whether a condition holds for one server of the table, or for all.
    private func has(_ command: [UInt8], _ columns: ((ServerColumn) -> Bool) -> Bool) -> Bool {
        given.contains(command) || (!gone.contains(command) && columns { DirectiveTable.hasCommand(command, $0) })
    }
}
