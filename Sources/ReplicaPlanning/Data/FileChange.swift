import RedisConf

/// One change in the data folder. In their order they can be cut off anywhere: what redis-server loads is the old state, the
/// new one, or nothing; never a part of either, and no byte of the old one is gone.
public enum FileChange: Equatable, Sendable {
    /// A folder, made where it is missing.
    case makeFolder([UInt8])
    /// Never over something.
    case rename(from: [UInt8], to: [UInt8])
    /// Written under another name and renamed.
    case write([UInt8], contents: [UInt8])
    /// A folder of this program's own, with the files in it; it may be missing.
    case removeFolder([UInt8])
}

extension DataSettings {
    /// Where a copy lies until it is whole.
    public var copyPath: [UInt8] { path(Self.ownPrefix + utf8("copy.rdb")) }
    /// Where an append-only folder is made before it gets its name.
    public var newFolderPath: [UInt8] { path(Self.ownPrefix + utf8("new")) }
    /// Where it is written whom a replica has to follow again.
    public var journalPath: [UInt8] { path(Self.ownPrefix + utf8("reseed")) }

    /// How the RDB at ``copyPath`` becomes what redis-server loads, and nothing else does.
    ///
    /// First everything that may be data is put aside (``filesInTheWay(_:)``), then:
    /// - without append-only file: `dump.rdb`;
    /// - 7.0 and later, where that is known or a manifest was there: the base of a manifest (redis/redis `src/aof.c`);
    /// - else one file, as 6.x has it, which loads an RDB in front. 7.0 and later take it over into a manifest of their own.
    /// - Parameter aside: the folder for what is in the way; nothing may be there yet.
    public func placement(aside: [UInt8], files: some DataFiles) -> [FileChange] {
        let hasManifest = files.size(ofFile: manifestPath) != nil
        let away = putAside(filesInTheWay(files), in: aside, files: files)
        guard isAppendOnly else { return away + [.rename(from: copyPath, to: path(rdbName))] }
        guard form == .multiPart || (form == .unknown && hasManifest) else {
            return away + [.rename(from: copyPath, to: path(appendName))]
        }
        let base = appendName + utf8(".1.base.rdb")
        let increment = appendName + utf8(".1.incr.aof")
        let lines = [(base, "b"), (increment, "i")].flatMap { name, type in
            utf8("file ") + quoted(name) + utf8(" seq 1 type \(type)\n")
        }
        func new(_ name: [UInt8]) -> [UInt8] { newFolderPath + [UInt8(ascii: "/")] + name }
        return [
            .removeFolder(newFolderPath), .makeFolder(newFolderPath), .write(new(increment), contents: []),
            .write(new(appendName + utf8(".manifest")), contents: lines), .rename(from: copyPath, to: new(base)),
        ] + away + [.rename(from: newFolderPath, to: path(appendFolderName))]
    }

    /// Moves files, named relative to the folder, into a new one.
    public func putAside(_ names: [[UInt8]], in aside: [UInt8], files: some DataFiles) -> [FileChange] {
        guard !names.isEmpty else { return [] }
        var changes = [FileChange.makeFolder(aside)]
        for name in names {
            if let slash = name.lastIndex(of: UInt8(ascii: "/")) {
                let folder = FileChange.makeFolder(aside + [UInt8(ascii: "/")] + name[..<slash])
                if !changes.contains(folder) { changes.append(folder) }
            }
            changes.append(.rename(from: path(name), to: aside + [UInt8(ascii: "/")] + name))
        }
        return changes
    }

    /// The folder for what is put aside now: a name with the time, which is not taken yet.
    /// - Parameter time: as in `20261130T031500Z`.
    public func asideFolder(_ kind: String, at time: String, files: some DataFiles) -> [UInt8] {
        let taken = files.names(inFolder: folder)
        let name = Self.ownPrefix + utf8("\(kind).\(time)")
        var candidate = name
        var number = 1
        while taken.contains(candidate) {
            number += 1
            candidate = name + utf8("-\(number)")
        }
        return path(candidate)
    }
}

extension FileChange {
    /// Whether it makes a folder for what is put aside.
    public var isAside: Bool {
        guard case .makeFolder(let folder) = self else { return false }
        let name = folder.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        return ["aside.", "replica."].contains { name.starts(with: DataSettings.ownPrefix + utf8($0)) }
    }
}
