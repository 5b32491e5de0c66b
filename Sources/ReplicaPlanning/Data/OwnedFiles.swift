import RedisConf

/// Which files of the data folder belong to redis-server, so that as root their owner may be changed.
///
/// All other files there belong to other programs: `dir /home/me` must not take the keys in `/home/me/.ssh`. The names are
/// those of redis/redis `src/rdb.c`, `src/aof.c`, `src/cluster_legacy.c` and `src/acl.c`, and this program's own.
public struct OwnedFiles: Equatable, Sendable {
    /// `dbfilename`, `appendfilename`, `appenddirname`.
    package var rdbName: [UInt8]
    package var appendName: [UInt8]
    package var appendFolderName: [UInt8]
    /// Other files that the configuration names in this folder: `cluster-config-file`, `aclfile`, `logfile`, `unixsocket`.
    package var otherNames: [[UInt8]]
    /// Whether the folder is redis-server's regardless of its content: the volume of an image.
    public var isServersOwnFolder: Bool

    public init(
        rdbName: [UInt8], appendName: [UInt8], appendFolderName: [UInt8], otherNames: [[UInt8]] = [],
        isServersOwnFolder: Bool = false
    ) {
        self.rdbName = rdbName
        self.appendName = appendName
        self.appendFolderName = appendFolderName
        self.otherNames = otherNames
        self.isServersOwnFolder = isServersOwnFolder
    }

    /// Whether a file in the data folder is redis-server's.
    public func holds(file name: [UInt8]) -> Bool {
        if name == rdbName || isAppendOnly(name) || otherNames.contains(name) { return true }
        if name.starts(with: Self.ownPrefix) { return true }
        // A file that is written beside the one it will replace: nodes.conf.tmp-123-4, users.acl.tmp-…
        if otherNames.contains(where: { name.starts(with: $0 + utf8(".tmp-")) || name == $0 + utf8(".lock") }) {
            return true
        }
        return isTemporary(name)
    }

    /// Whether a folder in the data folder is.
    public func holds(folder name: [UInt8]) -> Bool { name == appendFolderName || name.starts(with: Self.ownPrefix) }

    /// Whether a file in the append-only folder is.
    public func holdsInAppendFolder(file name: [UInt8]) -> Bool { isAppendOnly(name) || isTemporary(name) }

    /// Whether something may lie in redis-server's folder without being anybody's: what a volume has by itself.
    public func isNeutral(_ name: [UInt8]) -> Bool { name == utf8("lost+found") }

    /// This program's own.
    private static var ownPrefix: [UInt8] { utf8("redis-replica-init.") }

    /// `appendonly.aof`, and from 7.0 `appendonly.aof.manifest`, `appendonly.aof.1.base.rdb`, `appendonly.aof.1.incr.aof`.
    private func isAppendOnly(_ name: [UInt8]) -> Bool {
        guard name.starts(with: appendName) else { return false }
        let rest = name.dropFirst(appendName.count)
        if rest.isEmpty || rest.elementsEqual(utf8(".manifest")) { return true }
        let parts = rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) }
        return parts.count == 4 && parts[0].isEmpty && number(parts[1]) != nil
            && [utf8("base"), utf8("incr")].contains(parts[2]) && [utf8("rdb"), utf8("aof")].contains(parts[3])
    }

    /// `temp-123.rdb`, `temp-123.1.rdb`, `temp-rewriteaof-123.aof`, `temp-appendonly.aof.incr`.
    private func isTemporary(_ name: [UInt8]) -> Bool {
        guard name.starts(with: utf8("temp-")) else { return false }
        return [".rdb", ".aof", ".incr", ".manifest"].contains { name.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }
}

extension Planner {
    /// Which files in the data folder are redis-server's, by the configuration in force.
    func ownedFiles(in folder: [UInt8], _ arguments: ServerArguments) -> OwnedFiles {
        func last(_ name: DirectiveName) -> [UInt8]? { arguments.last(name)?.first ?? scalar(name) }
        var names: [[UInt8]] = [utf8("nodes.conf")]
        for name: DirectiveName in ["cluster-config-file", "aclfile", "logfile", "pidfile", "unixsocket"] {
            guard let path = last(name).map({ withoutDots(join(folder, $0)) }),
                let slash = path.lastIndex(of: UInt8(ascii: "/")), slash + 1 < path.count
            else { continue }
            // Only what lies in the folder itself.
            if withoutDots(Array(path[...slash])) == withoutDots(folder) { names.append(Array(path[(slash + 1)...])) }
        }
        return OwnedFiles(
            rdbName: last("dbfilename") ?? utf8("dump.rdb"),
            appendName: last("appendfilename") ?? utf8("appendonly.aof"),
            appendFolderName: last("appenddirname") ?? utf8("appendonlydir"), otherNames: names,
            isServersOwnFolder: isServersOwn(folder))
    }
}
