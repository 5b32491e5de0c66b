import RedisConf

/// Folders, files and ports that a start needs.
extension Planner {
    private func joined(_ folder: [UInt8], _ path: [UInt8]) -> [UInt8] {
        if path.first == UInt8(ascii: "/") || folder.isEmpty { return path }
        if path.isEmpty { return folder }
        return folder.last == UInt8(ascii: "/") ? folder + path : folder + utf8("/") + path
    }

    private func parent(_ path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return utf8(".") }
        return slash == 0 ? utf8("/") : Array(path[..<slash])
    }

    private var account: Account? {
        if case .drop(let account) = privileges { account } else { nil }
    }

    mutating func checkFolders(_ lines: [StartLine]) {
        var folder = identity.workingFolder
        let data = dataFolder(allArguments)
        for line in lines where line.name == "dir" {
            guard let path = line.arguments.first else { continue }
            folder = joined(folder, path)
            if path.isEmpty || (folder != data && !files.isFolder(folder)) {
                report(.folderMissing("dir", path: folder), at: line.origin)
            }
        }
        checkDataFolder(data, at: last("dir", lines)?.origin)
        // Before 7.0 each line is tried at once, from then on at the end of each file, though a later one wins.
        for line in lines where line.name == "logfile" {
            guard let path = line.arguments.first, !path.isEmpty else { continue }
            let folder = parent(joined(identity.workingFolder, path))
            if !files.isFolder(folder) { report(.folderMissing("logfile", path: folder), at: line.origin) }
        }
        if let path = text("unixsocket", lines) {
            let origin = last("unixsocket", lines)?.origin
            let folder = parent(opened(path))
            if path.count > 107 { report(.socketPathTooLong, at: origin) }
            if !files.isFolder(folder) {
                report(.folderMissing("unixsocket", path: folder), at: origin)
            } else if !files.canWrite(inFolder: folder, as: folder == data ? nil : account) {
                report(.folderNotWritable("unixsocket", path: folder), at: origin)
            }
        }
    }

    /// The folder is made where it is missing, and given to the server's user where we are root.
    private mutating func checkDataFolder(_ folder: [UInt8], at origin: Origin?) {
        if let problem = StartProblem.ofName("dir", path: folder) { return report(problem, at: origin) }
        var existing = folder
        while !files.exists(existing), existing.count > 1, parent(existing) != existing { existing = parent(existing) }
        guard files.isFolder(existing) else { return report(.notAFolder("dir", path: existing), at: origin) }
        // Ours is what is made.
        var canWrite = files.canWrite(inFolder: existing, as: nil)
        if existing == folder, let account {
            canWrite =
                isSet("SKIP_FIX_PERMS")
                ? files.canWrite(inFolder: folder, as: account)
                : files.canWrite(inFolder: folder, onceGivenTo: account, ownedFiles(in: folder, allArguments))
        }
        if !canWrite {
            report(.folderNotWritable("dir", path: existing), at: origin)
        }
    }

    mutating func checkNamedFiles(
        _ lines: [StartLine], _ release: ServerRelease, _ columns: [ServerColumn], hasModules: Bool
    ) {
        if let path = text("aclfile", lines) { checkFile("aclfile", path, lines, nil) }
        for line in lines where line.name == "loadmodule" {
            // Without a slash the loader looks for it in its own folders.
            guard let path = line.arguments.first, path.contains(UInt8(ascii: "/")) else { continue }
            checkFile(
                "loadmodule", path, lines, (needed: "a shared library", { $0.starts(with: [0x7F, 0x45, 0x4C, 0x46]) }))
        }
        if isOnInTheEnd("cluster-enabled", lines), let path = text("cluster-config-file", lines) {
            let folder = parent(opened(path))
            if !files.isFolder(folder) {
                report(
                    .folderMissing("cluster-config-file", path: folder), at: last("cluster-config-file", lines)?.origin)
            }
        }
        // What an include names was read by us, who may be root.
        for file in effective.files.dropFirst() {
            guard account != nil, let problem = files.problem(readingFile: file.path, as: account) else { continue }
            report(.unreadable("include", path: file.path, problem), at: nil)
        }
        checkTLS(lines)
    }

    private func isOnInTheEnd(_ name: DirectiveName, _ lines: [StartLine]) -> Bool {
        text(name, lines).map { equalsIgnoringCase($0, "yes") } ?? false
    }

    private mutating func checkFile(
        _ name: DirectiveName, _ path: [UInt8], _ lines: [StartLine],
        _ need: (needed: String, isFine: ([UInt8]) -> Bool)?
    ) {
        let origin = lines.last { $0.name == name && $0.arguments.first == path }?.origin
        let place = opened(path)
        if let problem = files.problem(readingFile: place, as: account) {
            return report(.unreadable(name, path: place, problem), at: origin)
        }
        guard let need, let bytes = try? files.contents(ofFile: place), !need.isFine(bytes) else { return }
        report(.wrongFile(name, path: place, needed: need.needed), at: origin)
    }

    private mutating func checkTLS(_ lines: [StartLine]) {
        let port = text("tls-port", lines).flatMap(number) ?? 0
        guard port > 0 || isOnInTheEnd("tls-replication", lines) || isOnInTheEnd("tls-cluster", lines) else { return }
        let pem = (needed: "PEM", isFine: { (bytes: [UInt8]) in bytes.holds(utf8("-----BEGIN ")) })
        for name: DirectiveName in ["tls-cert-file", "tls-key-file"] where text(name, lines) == nil {
            report(.tlsFileNotNamed(name), at: nil)
        }
        let needsAuthority =
            !(text("tls-auth-clients", lines).map { equalsIgnoringCase($0, "no") } ?? false)
            || isOnInTheEnd("tls-replication", lines) || isOnInTheEnd("tls-cluster", lines)
        if needsAuthority, text("tls-ca-cert-file", lines) == nil, text("tls-ca-cert-dir", lines) == nil {
            report(.tlsFileNotNamed("tls-ca-cert-file"), at: nil)
        }
        if let protocols = text("tls-protocols", lines) { checkProtocols(protocols, lines) }
        if let path = text("tls-dh-params-file", lines) {
            checkFile(
                "tls-dh-params-file", path, lines,
                (needed: "PEM with parameters of Diffie-Hellman", { $0.holds(utf8(" PARAMETERS-----")) }))
        }
        var names: [DirectiveName] = ["tls-cert-file", "tls-key-file", "tls-ca-cert-file"]
        if text("tls-client-cert-file", lines) != nil { names += ["tls-client-cert-file", "tls-client-key-file"] }
        for name in names {
            if let path = text(name, lines) { checkFile(name, path, lines, pem) }
        }
    }

    /// Looked at where TLS is spoken alone: the whole text is split at each blank.
    private mutating func checkProtocols(_ text: [UInt8], _ lines: [StartLine]) {
        let known = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
        let words = text.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
        guard let wrong = words.first(where: { word in !known.contains { equalsIgnoringCase(word, $0) } }) else {
            return
        }
        let fault = ArgumentFault.value(wrong, DirectiveKind.listed(known) + ", with one blank between")
        report(
            .refusedArguments("tls-protocols", fault, server: "the server"), at: last("tls-protocols", lines)?.origin)
    }

    /// What not every build of a version takes.
    mutating func checkBuild(
        _ lines: [StartLine], _ release: ServerRelease, _ hasFeature: (BuildFeature) -> Bool?
    ) {
        let first: [(BuildFeature, StartLine?)] = [
            (.tls, lines.first { $0.name.text.hasPrefix("tls-") }),
            (.activeDefragmentation, lines.first { $0.name == "activedefrag" && isYes($0.arguments.first) }),
        ]
        for (feature, line) in first {
            if let line, hasFeature(feature) == false {
                report(.notBuilt(feature, server: release.name), at: line.origin)
            }
        }
    }

    private func isYes(_ value: [UInt8]?) -> Bool { value.map { equalsIgnoringCase($0, "yes") } ?? false }

    /// A server that listens nowhere ends; from 7.0 an empty bind is no address.
    private mutating func checkListening(_ lines: [StartLine], _ release: ServerRelease, _ port: Int, _ tls: Int) {
        let bind = last("bind", lines)?.arguments
        let isUnbound = (bind == [] || bind == [[]]) && !release.columns.contains(where: \.isBefore7)
        guard (port == 0 && tls == 0) || isUnbound, text("unixsocket", lines) == nil,
            !diagnostics.contains(where: { $0.problem == .nothingListens })
        else { return }
        report(.error, .nothingListens, at: last(isUnbound ? "bind" : "port", lines)?.origin)
    }

    mutating func checkPorts(_ lines: [StartLine], _ release: ServerRelease) {
        let port = text("port", lines).map { number($0) ?? 0 } ?? 6379
        let tls = text("tls-port", lines).flatMap(number) ?? 0
        if release.columns == [.redis60], port > 0 || tls > 0, let bind = last("bind", lines),
            let address = bind.arguments.first(where: { $0 == utf8("*") || $0.first == UInt8(ascii: "-") })
        {
            let fault = ArgumentFault.value(address, "addresses without * and -")
            report(.refusedArguments("bind", fault, server: release.name), at: bind.origin)
        }
        checkListening(lines, release, port, tls)
        if port > 0, port == tls { report(.onePortTwice, at: last("tls-port", lines)?.origin) }
        let base = isOnInTheEnd("tls-cluster", lines) ? tls : port
        if isOnInTheEnd("cluster-enabled", lines), base > 55535, text("cluster-port", lines).flatMap(number) ?? 0 == 0 {
            report(.clusterPortTooHigh, at: last("port", lines)?.origin)
        }
    }
}

extension Collection<UInt8> where SubSequence: Collection<UInt8> {
    func holds(_ text: [UInt8]) -> Bool {
        var rest = self[startIndex...]
        while rest.count >= text.count {
            if rest.starts(with: text) { return true }
            rest = rest[rest.index(after: rest.startIndex)...]
        }
        return false
    }
}
