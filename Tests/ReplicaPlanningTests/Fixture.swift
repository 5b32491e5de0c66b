import RedisConf
import ReplicaPlanning
import Testing

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Files of a table. `denied` as contents refuses to be read.
struct TableFiles: MachineFiles {
    var table: [String: [UInt8]] = [:]

    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
        guard let found = table[text(path)] else { throw .missing }
        if found == bytes("denied") { throw .denied }
        return found
    }

    func names(inFolder path: [UInt8]) -> [[UInt8]] {
        let prefix = text(path) + "/"
        return table.keys.filter { $0.hasPrefix(prefix) }.map { bytes(String($0.dropFirst(prefix.count))) }
    }

    func exists(_ path: [UInt8]) -> Bool { table[text(path)] != nil || isFolder(path) }

    /// `read-only` in a folder makes it so.
    func canWrite(inFolder path: [UInt8], as account: Account?) -> Bool {
        isFolder(path) && table[text(path) + "/read-only"] == nil
    }

    func isFolder(_ path: [UInt8]) -> Bool {
        path == bytes("/") || table.keys.contains { $0.hasPrefix(text(path) + "/") }
    }
}

/// A start as a table row: the file, the environment, and what else there is.
struct Start {
    var file: String? = ""
    var environment: [String: String] = ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"]
    var files: [String: String] = [:]
    var arguments: [String] = []
    var identity = Identity(userID: 999, groupID: 999, hostname: bytes("pod-1"), workingFolder: bytes("/"))

    func plan() throws(PlanError) -> Plan {
        var table = files.mapValues(bytes)
        if let file { table["/etc/redis/redis.conf"] = bytes(file) }
        return try Plan(
            try Invocation(arguments.map(bytes)),
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: identity, files: TableFiles(table: table))
    }

    /// What `check` tells.
    func report(
        server: ServerRelease? = nil, hasFeature: (BuildFeature) -> Bool? = { _ in nil }
    ) throws(PlanError) -> Report {
        var table = files.mapValues(bytes)
        if let file { table["/etc/redis/redis.conf"] = bytes(file) }
        return try Report(
            try Invocation((["check"] + arguments).map(bytes)),
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: identity, files: TableFiles(table: table), server: { server }, hasFeature: hasFeature)
    }

    /// The problems found, whether they stopped the start or not.
    func diagnostics() -> [Diagnostic] {
        do throws(PlanError) {
            return try plan().diagnostics
        } catch {
            guard case .refused(let diagnostics) = error else { return [] }
            return diagnostics
        }
    }
}

extension Plan {
    /// The lines of the result that are not comments.
    var lines: [String] {
        text(configuration).split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("#") }
    }
}
