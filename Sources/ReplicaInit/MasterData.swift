public import RedisConf

/// The data folder, of which only beginnings and sizes are looked at: a file may be many gigabytes.
public protocol DataFiles {
    /// Bytes of a file; nil where there is none.
    func size(ofFile path: [UInt8]) -> Int?
    /// The first bytes of a file, `count` of them or all.
    func prefix(ofFile path: [UInt8], count: Int) throws(FileProblem) -> [UInt8]
}

/// Where redis-server will look for its data.
public struct DataSettings: Equatable, Sendable {
    /// Absolute.
    public var folder: [UInt8]
    public var rdbName: [UInt8] = utf8("dump.rdb")
    public var isAppendOnly = false
    public var appendFolderName: [UInt8] = utf8("appendonlydir")
    public var appendName: [UInt8] = utf8("appendonly.aof")

    public init(folder: [UInt8]) { self.folder = folder }

    func path(_ parts: [UInt8]...) -> [UInt8] {
        parts.reduce(folder) { $0 + (($0.last == UInt8(ascii: "/")) ? [] : [UInt8(ascii: "/")]) + $1 }
    }
}

/// What redis-server will have in memory once it has loaded its files, judged before it runs.
public enum MasterData: Equatable, Sendable {
    /// No key at all; the reason is told to the operator.
    case empty(reason: String)
    /// Data up to a known place in a known history.
    case snapshot(path: [UInt8], replicationID: String, offset: Int64)
    /// Data, and no word about how far it goes: an append-only file, or an RDB that a master without replicas wrote.
    case undated(path: [UInt8])
    /// A file that cannot be judged.
    case unreadable(path: [UInt8], FileProblem?)
}

extension MasterData {
    /// Reads headers and sizes, as redis-server chooses among its files (redis/redis `src/server.c`, `loadDataFromDisk`, and
    /// `src/aof.c`).
    public init(_ settings: DataSettings, files: some DataFiles) {
        self =
            settings.isAppendOnly
            ? Self.appendOnly(settings, files) : Self.rdb(settings.path(settings.rdbName), files)
    }

    private static func rdb(_ path: [UInt8], _ files: some DataFiles) -> MasterData {
        guard let size = files.size(ofFile: path) else { return .empty(reason: "\(shownPath(path)) does not exist") }
        guard size > 0 else { return .unreadable(path: path, nil) }
        do throws(FileProblem) {
            guard let header = RDBHeader(try files.prefix(ofFile: path, count: RDBHeader.prefixBytes)) else {
                return .unreadable(path: path, nil)
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
        let manifest = settings.path(settings.appendFolderName, settings.appendName + utf8(".manifest"))
        if files.size(ofFile: manifest) != nil { return manifestData(manifest, settings, files) }
        let single = settings.path(settings.appendName)
        if let size = files.size(ofFile: single) {
            return holdsData(single, size: size, files) ?? .empty(reason: "\(shownPath(single)) holds no keys")
        }
        // redis-server does not fall back to the RDB (seen on every version).
        let dump = settings.path(settings.rdbName)
        let ignored = files.size(ofFile: dump) == nil ? "" : "; \(shownPath(dump)) is not loaded with appendonly yes"
        return .empty(reason: "there is no append-only file in \(shownPath(settings.folder))" + ignored)
    }

    private static func manifestData(
        _ manifest: [UInt8], _ settings: DataSettings, _ files: some DataFiles
    ) -> MasterData {
        let names: [[UInt8]]
        do throws(FileProblem) {
            guard let listed = AOFManifest.files(try files.prefix(ofFile: manifest, count: 1 << 20)) else {
                return .unreadable(path: manifest, nil)
            }
            names = listed
        } catch {
            return .unreadable(path: manifest, error)
        }
        for name in names {
            let path = settings.path(settings.appendFolderName, name)
            guard let size = files.size(ofFile: path) else { return .unreadable(path: path, .missing) }
            if let data = holdsData(path, size: size, files) { return data }
        }
        return .empty(reason: "the append-only files that \(shownPath(manifest)) lists hold no keys")
    }

    /// nil where the file holds nothing: no byte, or an RDB without keys and nothing behind it.
    private static func holdsData(_ path: [UInt8], size: Int, _ files: some DataFiles) -> MasterData? {
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

/// `appendonly.aof.manifest`: a line for each file, `file NAME seq N type b|h|i` (redis/redis `src/aof.c`,
/// `aofLoadManifestFromFile`).
enum AOFManifest {
    /// The files that are loaded: the base and the increments. Nil where a line cannot be read.
    static func files(_ bytes: [UInt8]) -> [[UInt8]]? {
        var names: [[UInt8]] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            guard let tokens = try? splitArguments(Array(line)).map(\.bytes), tokens.count >= 6,
                let name = value(utf8("file"), in: tokens), let type = value(utf8("type"), in: tokens)
            else { return nil }
            if type != utf8("h") { names.append(name) }
        }
        return names
    }

    /// The highest of all numbers in it, 0 where there is none: what is added is counted on from there.
    static func highestNumber(_ bytes: [UInt8]) -> Int {
        bytes.split(separator: UInt8(ascii: "\n")).reduce(0) { highest, line in
            let tokens = (try? splitArguments(Array(line)).map(\.bytes)) ?? []
            return max(highest, value(utf8("seq"), in: tokens).flatMap(number) ?? 0)
        }
    }

    private static func value(_ key: [UInt8], in tokens: [[UInt8]]) -> [UInt8]? {
        stride(from: 0, to: max(0, tokens.count - 1), by: 2).first { tokens[$0] == key }.map { tokens[$0 + 1] }
    }
}
