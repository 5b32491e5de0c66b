import RedisConf

/// What relative paths mean: redis-server opens them in the folder that it is in by then, which every `dir` changes at once.
extension Planner {
    /// The folder that redis-server will be in behind its file.
    var dataFolder: [UInt8] {
        if let given = environment["REDIS_DATA_DIR"] { return join(identity.workingFolder, given) }
        return isFolderChosen ? withoutDots(effective.folder) : utf8("/data")
    }

    /// Whether the file names a folder on purpose.
    ///
    /// What distributions and the stock file put there (`./`, `/var/lib/redis`) was not chosen for a container.
    var isFolderChosen: Bool {
        let isNamed = effective.all("dir").contains { setting in
            setting.entry.values.first.map { ![utf8("."), utf8("./")].contains($0) } ?? false
        }
        return isNamed && !Self.packageFolders.contains(withoutDots(effective.folder))
    }

    /// Where packages of Linux distributions have the data.
    private static var packageFolders: [[UInt8]] {
        [utf8("/var/lib/redis"), utf8("/var/lib/valkey"), utf8("/var/lib/redict")]
    }

    /// Whether the folder is redis-server's regardless of its content: the volume of the images, and the packages' folders.
    func isServersOwn(_ folder: [UInt8]) -> Bool {
        let folder = withoutDots(folder)
        return folder == utf8("/data") || Self.packageFolders.contains(folder)
    }

    /// A path as redis-server will open it, its arguments included.
    func opened(_ path: [UInt8]) -> [UInt8] { isRelative(path) ? join(dataFolder(allArguments), path) : path }

    /// The folder that redis-server will be in, its arguments included.
    func dataFolder(_ arguments: ServerArguments) -> [UInt8] { folder(behind: arguments, from: dataFolder) }

    private func folder(behind arguments: ServerArguments, from folder: [UInt8]) -> [UInt8] {
        arguments.all("dir").compactMap(\.first).reduce(folder) { join($0, $1) }
    }

    /// Those of the command line and of the variable, where they can be split.
    var allArguments: ServerArguments {
        let flags = (environment["REDIS_EXTRA_FLAGS"].flatMap { try? splitArguments($0) } ?? []).map(\.bytes)
        return serverArguments(invocation.serverArguments + flags)
    }

    /// Relative paths of the files keep their meaning where `dir` becomes another folder than the files leave redis-server in:
    /// the last `dir`, wherever that line stands, or the folder that it starts in where there is none.
    mutating func keepRelativePaths() {
        let arguments = allArguments
        let folder = withoutDots(folder(behind: arguments, from: effective.folder))
        guard folder != withoutDots(dataFolder(arguments)) else { return }
        for name in Self.pathNames where !decisions.contains(where: { $0.directive == name && $0.action != .kept }) {
            guard let setting = effective.last(name), let path = setting.entry.values.first,
                setting.entry.arguments.count == 1, isRelative(path)
            else { continue }
            let origin = origin(of: setting)
            let absolute = join(folder, path)
            report(.note, .pathKept(name, absolute), at: origin)
            set(name, to: [absolute], from: origin)
        }
        // Without a slash the loader looks for it in its own folders, wherever redis-server is.
        for setting in effective.all("loadmodule") {
            guard let path = setting.entry.values.first, isRelative(path), path.contains(UInt8(ascii: "/")) else {
                continue
            }
            let absolute = join(folder, path)
            if setting.file == 0 {
                report(.note, .pathKept("loadmodule", absolute), at: origin(of: setting))
                document.replace(setting.entry, with: [absolute] + setting.entry.values.dropFirst())
                note(
                    "loadmodule", [absolute] + setting.entry.values.dropFirst(), from: origin(of: setting), .replaced)
            } else {
                report(.error, .pathMoved("loadmodule", from: absolute, to: opened(path)), at: origin(of: setting))
            }
        }
    }

    private func isRelative(_ path: [UInt8]) -> Bool { !path.isEmpty && path.first != UInt8(ascii: "/") }

    private static var pathNames: [DirectiveName] {
        [
            "aclfile", "unixsocket", "tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-ca-cert-dir",
            "tls-client-cert-file", "tls-client-key-file", "tls-dh-params-file",
        ]
    }
}

/// `path` as seen from `folder`: itself where it is absolute.
func join(_ folder: [UInt8], _ path: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    if path.first == slash || folder.isEmpty { return path }
    return folder.last == slash ? folder + path : folder + [slash] + path
}

/// A path without its `.` components and doubled slashes; `..` stays, since a link may stand before it.
func withoutDots(_ path: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    // Nearly every path is written so, and is not taken apart.
    var last: UInt8 = 0
    let isPlain = path.allSatisfy { byte in
        defer { last = byte }
        return last != slash || (byte != slash && byte != UInt8(ascii: "."))
    }
    if isPlain, last != slash, path.first != UInt8(ascii: ".") { return path }
    let parts = path.split(separator: slash).filter { Array($0) != utf8(".") }
    let joined = Array(parts.joined(separator: [slash]))
    return path.first == slash ? [slash] + joined : joined
}
