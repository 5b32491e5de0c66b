public import RedisConf

/// The data folder, of which only beginnings and sizes are looked at: a file may be many gigabytes.
public protocol DataFiles {
    /// Bytes of a file; nil where there is none.
    func size(ofFile path: [UInt8]) -> Int?
    /// The names in a folder in any order; none where it cannot be read.
    func names(inFolder path: [UInt8]) -> [[UInt8]]
    /// The first bytes of a file, `count` of them or all.
    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8]
    /// When a file was last written, in seconds since 1970; nil where that is not known.
    func changeSeconds(ofFile path: [UInt8]) -> Int64?
}

extension DataFiles {
    public func changeSeconds(ofFile path: [UInt8]) -> Int64? { nil }
}

/// Where redis-server will look for its data.
public struct DataSettings: Equatable, Sendable {
    /// Absolute.
    public var folder: [UInt8]
    package var rdbName: [UInt8] = utf8("dump.rdb")
    public var isAppendOnly = false
    package var appendFolderName: [UInt8] = utf8("appendonlydir")
    package var appendName: [UInt8] = utf8("appendonly.aof")
    public var form = AppendOnlyForm.multiPart
    /// Whether redis-server cuts an incomplete last command off (`aof-load-truncated`).
    public var repairsTail = true

    /// How the server keeps its append-only data.
    public enum AppendOnlyForm: Equatable, Sendable {
        /// One file: before 7.0.
        case single
        /// A folder with a manifest: from 7.0 on.
        case multiPart
        /// No variable tells the version; it is most likely 7.0 or later.
        case unknown
    }

    public init(folder: [UInt8]) { self.folder = folder }

    func path(_ parts: [UInt8]...) -> [UInt8] {
        parts.reduce(folder) { $0 + (($0.last == UInt8(ascii: "/")) ? [] : [UInt8(ascii: "/")]) + $1 }
    }
}

/// What redis-server will have in memory once it has loaded its files, judged before it runs.
public enum MasterData: Equatable, Sendable {
    /// No key at all; the reason is for the operator.
    case empty(reason: String)
    /// redis-server would load nothing, for this reason, and write over files that hold data.
    case unlisted(files: [[UInt8]], reason: String)
    /// An RDB that redis-server would load, although append-only files that were written later lie beside it.
    case outdated(path: [UInt8], newer: [[UInt8]])
    /// Data up to a known place in a known history.
    case snapshot(path: [UInt8], replicationID: String, offset: Int64)
    /// Data, and no word about how far it goes: an append-only file, or an RDB that a master without replicas wrote.
    case undated(path: [UInt8])
    /// A file that redis-server would refuse to load.
    case damaged(path: [UInt8], reason: String)
    /// A file that cannot be judged.
    case unreadable(path: [UInt8], FileProblem?)
}

extension MasterData {
    /// Reads headers and sizes, as redis-server chooses among its files (redis/redis `src/server.c`, `loadDataFromDisk`, and
    /// `src/aof.c`).
    public init(_ settings: DataSettings, files: some DataFiles) {
        self =
            settings.isAppendOnly
            ? Self.appendOnly(settings, files) : Self.rdb(settings.path(settings.rdbName), settings, files)
        switch self {
        case .empty(let reason):
            let stranded = settings.strandedFiles(files)
            if !stranded.isEmpty { self = .unlisted(files: stranded, reason: reason) }
        case .snapshot(let path, _, _), .undated(let path):
            guard !settings.isAppendOnly else { return }
            let newer = settings.appendedSince(path, files)
            if !newer.isEmpty { self = .outdated(path: path, newer: newer) }
        case .unlisted, .outdated, .damaged, .unreadable: return
        }
    }

    /// What the RDB says of its size; nil where redis-server loads none, or it does not say.
    public static func firstDatabase(_ settings: DataSettings, files: some DataFiles) -> RDBHeader.Database? {
        let path = settings.path(settings.rdbName)
        guard !settings.isAppendOnly, files.size(ofFile: path) != nil,
            let prefix = try? files.prefix(ofFile: path, count: RDBHeader.prefixBytes)
        else { return nil }
        return RDBHeader(prefix)?.firstDatabase
    }

    /// The history of an RDB that lies beside an append-only file, which itself tells none.
    public static func savedHistory(_ settings: DataSettings, files: some DataFiles) -> String? {
        let path = settings.path(settings.rdbName)
        guard settings.isAppendOnly, files.size(ofFile: path) != nil,
            let prefix = try? files.prefix(ofFile: path, count: RDBHeader.prefixBytes)
        else { return nil }
        return RDBHeader(prefix)?.replicationID
    }

    private static func rdb(_ path: [UInt8], _ settings: DataSettings, _ files: some DataFiles) -> MasterData {
        guard let size = files.size(ofFile: path) else { return .empty(reason: "\(shownPath(path)) does not exist") }
        guard size > 0 else { return .damaged(path: path, reason: "it has no byte") }
        do throws(FileProblem) {
            let prefix = try files.prefix(ofFile: path, count: RDBHeader.prefixBytes)
            guard let header = RDBHeader(prefix) else {
                return prefix.count < RDBHeader.prefixBytes
                    || !prefix.starts(with: utf8("REDIS")) && !prefix.starts(with: utf8("VALKEY"))
                    ? .damaged(path: path, reason: "it does not begin as an RDB does") : .undated(path: path)
            }
            guard header.hasKeys else { return .empty(reason: "\(shownPath(path)) holds no keys") }
            guard let id = header.replicationID, let offset = header.replicationOffset else {
                return .undated(path: path)
            }
            return .snapshot(path: path, replicationID: id, offset: offset)
        } catch {
            return .unreadable(path: path, error)
        }
    }

    /// 7.0 and later keep a folder with a manifest; before, and until a first start of 7.0, there is one file.
    private static func appendOnly(_ settings: DataSettings, _ files: some DataFiles) -> MasterData {
        if settings.form != .single, files.size(ofFile: settings.manifestPath) != nil,
            !settings.isUpgradeCutOff(files)
        {
            return manifestData(settings, files)
        }
        let single = settings.path(settings.appendName)
        if let size = files.size(ofFile: single) {
            return holdsData(single, size: size, files) ?? .empty(reason: "\(shownPath(single)) holds no keys")
        }
        // redis-server does not fall back to the RDB (seen on every version).
        let dump = settings.path(settings.rdbName)
        let ignored = files.size(ofFile: dump) == nil ? "" : "; \(shownPath(dump)) is not loaded with appendonly yes"
        return .empty(reason: "there is no append-only file in \(shownPath(settings.folder))" + ignored)
    }

    private static func manifestData(_ settings: DataSettings, _ files: some DataFiles) -> MasterData {
        let path = settings.manifestPath
        let manifest: AOFManifest
        do throws(FileProblem) {
            manifest = AOFManifest(try files.prefix(ofFile: path, count: AOFManifest.maximalBytes))
        } catch {
            return .unreadable(path: path, error)
        }
        if let damage = manifest.damage { return .damaged(path: path, reason: damage) }
        return listedData(manifest.loaded, in: settings, files)
    }

    private static func listedData(
        _ names: [[UInt8]], in settings: DataSettings, _ files: some DataFiles
    ) -> MasterData {
        let manifest = settings.manifestPath
        var data: MasterData?
        for name in names {
            let path = settings.path(settings.appendFolderName, name)
            guard let size = files.size(ofFile: path) else {
                return .damaged(path: path, reason: "\(shownPath(manifest)) lists it, and it is missing")
            }
            data = data ?? holdsData(path, size: size, files)
        }
        return data ?? .empty(reason: "the append-only files that \(shownPath(manifest)) lists hold no keys")
    }

    /// nil where the file holds nothing: no byte, or an RDB without keys and nothing behind it.
    static func holdsData(_ path: [UInt8], size: Int, _ files: some DataFiles) -> MasterData? {
        guard size > 0 else { return nil }
        do throws(FileProblem) {
            let prefix = try files.prefix(ofFile: path, count: RDBHeader.prefixBytes)
            guard let header = RDBHeader(prefix), !header.hasKeys, let length = header.length else {
                return .undated(path: path)
            }
            return size > length ? .undated(path: path) : nil
        } catch {
            return .unreadable(path: path, error)
        }
    }
}
