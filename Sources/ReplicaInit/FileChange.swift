import RedisConf

/// One change in the data folder. In their order they can be cut off anywhere: what redis-server loads is the old state or
/// the new one.
public enum FileChange: Equatable, Sendable {
    case makeFolder([UInt8])
    case rename(from: [UInt8], to: [UInt8])
    /// Written under another name and renamed.
    case write([UInt8], contents: [UInt8])
    /// A file that may be there.
    case remove([UInt8])
}

extension DataSettings {
    /// Where a copy lies until it is whole.
    public var copyPath: [UInt8] { path(utf8("redis-replica-init.copy.rdb")) }
    /// Where it is written whom a replica has to follow again.
    public var journalPath: [UInt8] { path(utf8("redis-replica-init.reseed")) }

    /// How the RDB at ``copyPath`` becomes what redis-server loads.
    ///
    /// - Without append-only file: `dump.rdb`.
    /// - 7.0 and later, where that is known or a manifest is there already: the base of a manifest (redis/redis `src/aof.c`).
    /// - Else one file, as 6.x has it, which loads an RDB in front. 7.0 and later take it over into a manifest of their own.
    public func placement(isSurelyMultiPart: Bool, files: some DataFiles) -> [FileChange] {
        guard isAppendOnly else { return [.rename(from: copyPath, to: path(rdbName))] }
        let manifest = path(appendFolderName, appendName + utf8(".manifest"))
        let hasManifest = files.size(ofFile: manifest) != nil
        guard isSurelyMultiPart || hasManifest else { return [.rename(from: copyPath, to: path(appendName))] }
        let listed = hasManifest ? (try? files.prefix(ofFile: manifest, count: 1 << 20)) ?? [] : []
        let number = utf8("\(AOFManifest.highestNumber(listed) + 1)")
        let base = appendName + utf8(".") + number + utf8(".base.rdb")
        let increment = appendName + utf8(".") + number + utf8(".incr.aof")
        let lines = [(base, "b"), (increment, "i")].flatMap { name, type in
            utf8("file ") + quoted(name) + utf8(" seq ") + number + utf8(" type \(type)\n")
        }
        return [
            .makeFolder(path(appendFolderName)),
            .rename(from: copyPath, to: path(appendFolderName, base)),
            .write(path(appendFolderName, increment), contents: []),
            .write(manifest, contents: lines),
        ] + (AOFManifest.files(listed) ?? []).map { .remove(path(appendFolderName, $0)) }
    }
}
