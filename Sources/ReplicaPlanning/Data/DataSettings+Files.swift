import RedisConf

/// Which files of the data folder are data, regardless of which program wrote them.
extension DataSettings {
    /// What this program's own files begin with.
    static let ownPrefix = utf8("redis-replica-init.")

    /// Names that redis-server has by itself; a server that was configured otherwise before may have left them.
    private static let presetRDB = utf8("dump.rdb")
    private static let presetAppend = utf8("appendonly.aof")
    private static let presetAppendFolder = utf8("appendonlydir")

    var manifestPath: [UInt8] { path(appendFolderName, appendName + utf8(".manifest")) }

    /// A file beside the data, while this server follows the master that was found in its place; see ``FollowedMaster``.
    public var followedPath: [UInt8] { path(Self.ownPrefix + utf8("followed")) }

    /// Everything that may be data of an older set: what has to be out of the way before another one comes here.
    ///
    /// Names relative to the folder. Other files of it are no data: a configuration, an ACL file, certificates.
    public func filesInTheWay(_ files: some DataFiles) -> [[UInt8]] {
        let folders = [appendFolderName, Self.presetAppendFolder]
        return files.names(inFolder: folder).filter { name in
            guard !name.starts(with: Self.ownPrefix) else { return false }
            if folders.contains(name) { return true }
            return files.size(ofFile: path(name)) != nil && (isOwnName(name) || Self.isDataName(name))
        }.sorted(by: precedes)
    }

    /// Files that hold data, where redis-server would load none.
    ///
    /// With `appendonly yes` it would write over those in its folder, and sooner or later over `dump.rdb`.
    func strandedFiles(_ files: some DataFiles) -> [[UInt8]] {
        var candidates: [[UInt8]] = []
        let index = isAppendOnly && form != .single ? manifest(files) : nil
        if isAppendOnly, form != .single {
            // Listed ones were looked at; a history is on its way out.
            let known = (index?.loaded ?? []) + (index?.history ?? [])
            candidates += setFiles(files).filter { !known.contains($0) }.map { path(appendFolderName, $0) }
        }
        if !hasIndex(files) {
            let names = files.names(inFolder: folder).filter { !$0.starts(with: Self.ownPrefix) }.sorted(by: precedes)
            candidates += names.filter { (isOwnName($0) || Self.isDataName($0)) && !Self.isTemporary($0) }.map {
                path($0)
            }
            candidates += unnamedData(names, files)
            let folders = names.filter { $0 == appendFolderName || $0 == Self.presetAppendFolder || isSet($0, files) }
            candidates += folders.flatMap { folder in
                files.names(inFolder: path(folder)).filter { Self.isDataName($0) && !Self.isTemporary($0) }
                    .map { path(folder, $0) }
            }
        }
        return Self.distinct(candidates).filter { path in
            // A manifest is no data.
            guard !path.hasSuffix(utf8(".manifest")), let size = files.size(ofFile: path) else { return false }
            return MasterData.holdsData(path, size: size, files) != nil
        }.sorted(by: precedes)
    }

    /// Append-only files with data that were written after the RDB at `dump` was begun.
    ///
    /// A server that ends in order writes its RDB last, and one without append-only file writes none: so who turned
    /// `appendonly` off has what came later in these files alone. Times are those of one machine, in seconds.
    func appendedSince(_ dump: [UInt8], _ files: some DataFiles) -> [[UInt8]] {
        guard let prefix = try? files.prefix(ofFile: dump, count: RDBHeader.prefixBytes),
            let begin = RDBHeader(prefix)?.createdSeconds
        else { return [] }
        let listed = form == .single ? [] : (manifest(files)?.loaded ?? []).map { path(appendFolderName, $0) }
        return (listed + [path(appendName)]).filter { file in
            guard let size = files.size(ofFile: file), let end = files.changeSeconds(ofFile: file), end > begin else {
                return false
            }
            return MasterData.holdsData(file, size: size, files) != nil
        }
    }

    /// Files under any name that begin as an RDB does: another `dbfilename` wrote them.
    private func unnamedData(_ names: [[UInt8]], _ files: some DataFiles) -> [[UInt8]] {
        names.prefix(Self.maximalNames).filter { !isSetAside($0) && !Self.isTemporary($0) }.map { path($0) }.filter {
            guard let size = files.size(ofFile: $0), size > 9,
                let magic = try? files.prefix(ofFile: $0, count: 9)
            else { return false }
            return magic.starts(with: utf8("REDIS0")) || magic.starts(with: utf8("VALKEY0"))
        }
    }

    /// Whether a folder holds an append-only set: another `appenddirname` wrote it.
    private func isSet(_ name: [UInt8], _ files: some DataFiles) -> Bool {
        !isSetAside(name) && files.size(ofFile: path(name)) == nil
            && files.names(inFolder: path(name)).contains {
                $0.hasSuffix(utf8(".aof.manifest")) || $0 == appendName + utf8(".manifest")
            }
    }

    /// Whether an operator moved it aside on purpose: `dump.rdb.bak`, `appendonlydir.old`.
    private func isSetAside(_ name: [UInt8]) -> Bool {
        let known = [rdbName, appendName, appendFolderName, Self.presetRDB, Self.presetAppend, Self.presetAppendFolder]
        return name.hasSuffix(utf8("~")) || [".bak", ".old", ".orig"].contains { name.hasSuffix(utf8($0)) }
            || known.contains { name != $0 && name.starts(with: $0) }
    }

    /// Names of a folder that are looked into.
    private static let maximalNames = 256

    /// Files that redis-server would take over into a new set although no manifest lists them: it opens the next increment for
    /// appending, and what lies there already is replayed at the start after (redis/redis `src/aof.c`,
    /// `aofOpenIfNeededOnServerStart`; on 7.0 to 9.1, ran).
    ///
    /// Names relative to the folder.
    public func filesTakenOver(_ files: some DataFiles) -> [[UInt8]] {
        guard isAppendOnly, form != .single else { return [] }
        let index = manifest(files)
        if let index, index.hasIncrement || index.damage != nil { return [] }
        let listed = (index?.loaded ?? []) + (index?.history ?? [])
        return setFiles(files).filter { name in
            !listed.contains(name) && !name.hasSuffix(utf8(".manifest"))
                && (files.size(ofFile: path(appendFolderName, name)) ?? 0) > 0
        }.map { appendFolderName + [UInt8(ascii: "/")] + $0 }
    }

    /// What redis-server will read when it starts, in its order.
    public func loadedFiles(_ files: some DataFiles) -> [[UInt8]] {
        guard isAppendOnly else { return [path(rdbName)] }
        guard form != .single, let manifest = manifest(files), !isUpgradeCutOff(files) else {
            return [path(appendName)]
        }
        return manifest.loaded.map { path(appendFolderName, $0) }
    }

    /// What was put aside before under this kind of name.
    public func asideFolders(_ kind: String, files: some DataFiles) -> [[UInt8]] {
        files.names(inFolder: folder).filter { $0.starts(with: Self.ownPrefix + utf8(kind + ".")) }.map { path($0) }
    }

    /// Whether 7.0 was ended while it took over a single file: its manifest names that file, which is still outside the folder.
    /// redis-server goes on from there.
    func isUpgradeCutOff(_ files: some DataFiles) -> Bool {
        guard let manifest = manifest(files), manifest.damage == nil, manifest.loaded == [appendName] else {
            return false
        }
        return files.size(ofFile: path(appendFolderName, appendName)) == nil
            && files.size(ofFile: path(appendName)) != nil
    }

    private func manifest(_ files: some DataFiles) -> AOFManifest? {
        guard files.size(ofFile: manifestPath) != nil,
            let bytes = try? files.prefix(ofFile: manifestPath, count: AOFManifest.maximalBytes)
        else { return nil }
        return AOFManifest(bytes)
    }

    /// The names in the append-only folder that belong to this server's set.
    private func setFiles(_ files: some DataFiles) -> [[UInt8]] {
        files.names(inFolder: path(appendFolderName))
            .filter { $0 == appendName || $0.starts(with: appendName + utf8(".")) }.sorted(by: precedes)
    }

    /// Whether there is what redis-server begins with when it loads.
    private func hasIndex(_ files: some DataFiles) -> Bool {
        guard isAppendOnly else { return files.size(ofFile: path(rdbName)) != nil }
        return (form != .single && files.size(ofFile: manifestPath) != nil)
            || files.size(ofFile: path(appendName)) != nil
    }

    private func isOwnName(_ name: [UInt8]) -> Bool {
        name == rdbName || name == appendName || name.starts(with: appendName + utf8("."))
    }

    private static func isDataName(_ name: [UInt8]) -> Bool {
        name == presetRDB || name == presetAppend || name.hasSuffix(utf8(".rdb")) || name.hasSuffix(utf8(".aof"))
            || name.hasSuffix(utf8(".aof.manifest"))
    }

    /// What a server writes before it renames it: nothing that it ever loads.
    private static func isTemporary(_ name: [UInt8]) -> Bool { name.starts(with: utf8("temp-")) }

    private static func distinct(_ names: [[UInt8]]) -> [[UInt8]] {
        names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension [UInt8] {
    func hasSuffix(_ other: [UInt8]) -> Bool { count >= other.count && suffix(other.count).elementsEqual(other) }
}

private func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.lexicographicallyPrecedes(right) }
