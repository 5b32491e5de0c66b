import RedisConf

/// redis-server's own arguments, as it reads them: it makes lines of them that it reads behind the file, so the last one wins
/// and all of them win over the file.
///
/// `--name` begins a line and stands in it as it is, what follows stands behind it in quotes (redis/redis `src/server.c`
/// main). From 7.0 a name takes the next argument as its value, even if that begins with `--`.
struct ServerArguments: Equatable, Sendable {
    struct Setting: Equatable, Sendable {
        var name: DirectiveName
        var values: [[UInt8]]
        /// How many of the values may be shown; nil where all may.
        var shownArgumentCount: Int?
        /// False where the name alone may be a secret, too.
        var mayShowName: Bool
    }

    /// The lines.
    let document: Document
    let settings: [Setting]
    /// Whether the server is to be a Sentinel.
    let isSentinel: Bool

    init(_ arguments: [[UInt8]], _ dialect: Dialect) {
        var text: [UInt8] = []
        var mayBegin = true
        for (index, argument) in arguments.enumerated() {
            // The configuration from standard input.
            if index == 0, argument == utf8("-") { continue }
            if mayBegin, argument.starts(with: utf8("--")) {
                if !text.isEmpty { text.append(UInt8(ascii: "\n")) }
                text += argument.dropFirst(2) + [UInt8(ascii: " ")]
                let isNameAlone = ((try? splitArguments(argument)) ?? []).count == 1
                let isFlag = ["--save", "--sentinel"].contains { equalsIgnoringCase(argument, $0) }
                mayBegin = !isNameAlone || isFlag || !dialect.has(7, 0)
            } else {
                let quote: [UInt8] = [UInt8(ascii: "\"")]
                text += (dialect.quotesArgumentsPlainly ? quote + argument + quote : quoted(argument)) + utf8(" ")
                mayBegin = true
            }
        }
        document = Document(text, quotes: dialect.quotes)
        settings = document.entries.map {
            Setting(
                name: $0.name, values: $0.values,
                // `-e REDIS_PASSWORD=…`, meant for another program, is a name that no server knows.
                shownArgumentCount: $0.shownArgumentCount, mayShowName: $0.mayShowName)
        }
        isSentinel = settings.contains { $0.name == "sentinel" && $0.values.isEmpty }
    }

    /// Whether redis-server cannot split one of the lines.
    var hasFaults: Bool { !document.faults.isEmpty }

    /// The arguments of every line of a directive, in order.
    func all(_ name: DirectiveName) -> [[[UInt8]]] { settings.filter { $0.name == name }.map(\.values) }

    func last(_ name: DirectiveName) -> [[UInt8]]? { settings.last { $0.name == name }?.values }
}

extension Dialect {
    /// Valkey 8 puts an argument between quotes as it is, so that one with a quote in it is refused, and printed.
    fileprivate var quotesArgumentsPlainly: Bool { flavour == .valkey && surelyHas(8, 0) && !has(9, 0) }
}

extension Planner {
    /// Arguments that overrule what was decided, or contain a secret where every user sees it.
    mutating func checkArguments(_ flags: [[UInt8]]) {
        check(serverArguments(invocation.serverArguments), from: .arguments)
        check(serverArguments(flags), from: .environment("REDIS_EXTRA_FLAGS"))
    }

    /// As this server reads them.
    func serverArguments(_ arguments: [[UInt8]]) -> ServerArguments { ServerArguments(arguments, dialect) }

    private mutating func check(_ arguments: ServerArguments, from origin: Origin) {
        checkForeignOptions(arguments, from: origin)
        checkSecretLines(of: arguments, from: origin)
        checkIncludes(of: arguments, from: origin)
        for setting in arguments.settings {
            if setting.name.isSecret, !setting.values.allSatisfy(\.isEmpty) {
                report(.warning, .secretInArguments(setting.name), at: origin)
            }
            // What a line of the file says may be overruled: that is what arguments are for. What the start depends on
            // (where to listen, whom to follow, where the data is) has a variable.
            guard let variable = Self.variables.first(where: { $0.name == setting.name })?.variable else { continue }
            if value(setting.name) == setting.values { continue }
            report(.warning, .argumentOverrules(setting.name, variable: variable), at: origin)
        }
    }

    /// The lines of arguments, and of the files that they include.
    func read(_ arguments: ServerArguments) -> EffectiveConfiguration {
        EffectiveConfiguration(
            arguments.document, path: [], folder: dataFolder, expandsGlobs: dialect.has(7, 0), files: files)
    }

    private mutating func checkIncludes(of arguments: ServerArguments, from origin: Origin) {
        guard arguments.settings.contains(where: { $0.name == "include" }) else { return }
        let read = read(arguments)
        for fault in read.faults {
            let place = fault.file.isEmpty ? origin : .file(path: fault.file, fault.position)
            switch fault.fault {
            case .unterminatedQuote where fault.file.isEmpty, .textAfterQuote where fault.file.isEmpty: continue
            default: report(.error, .fault(fault.fault), at: place)
            }
        }
        filesToRead += read.files.dropFirst().map(\.path)
        checkSecretLines(ofFilesIncludedIn: read)
    }

    /// The directives that are decided here, and what to set instead of an argument.
    private static var variables: [(name: DirectiveName, variable: String)] {
        [
            ("replicaof", "REDIS_MASTER_HOST and REDIS_MASTER_PORT_NUMBER"), ("port", "REDIS_PORT_NUMBER"),
            ("bind", "REDIS_BIND"), ("masterauth", "REDIS_MASTER_PASSWORD_FILE"), ("masteruser", "REDIS_MASTER_USER"),
            ("requirepass", "REDIS_PASSWORD_FILE"), ("tls-port", "REDIS_TLS_PORT_NUMBER"), ("dir", "REDIS_DATA_DIR"),
            ("aclfile", "REDIS_ACLFILE"), ("replica-announce-ip", "REDIS_REPLICA_IP"),
            ("replica-announce-port", "REDIS_REPLICA_PORT"),
        ]
    }

    /// What was meant for another program, and a secret that was left out: redis-server refuses both.
    private mutating func checkForeignOptions(_ arguments: ServerArguments, from origin: Origin) {
        for entry in arguments.document.entries {
            let spelling = String(decoding: entry.spelling, as: UTF8.self)
            if Self.isDockerOption(entry.spelling) {
                report(.error, .foreignOption(spelling), at: origin)
            } else if entry.name.isSecret, entry.name != "user", entry.name != "sentinel" {
                if entry.values == [[]] { report(.warning, .secretMissing(entry.name), at: origin) }
            }
        }
    }

    static func isDockerOption(_ spelling: [UInt8]) -> Bool {
        dockerOptions.contains(String(decoding: spelling, as: UTF8.self))
    }

    /// Options of `docker run` that end up behind the image's name: what stands there belongs to the program in it.
    private static var dockerOptions: [String] {
        ["-p", "-P", "-v", "-d", "-e", "-it", "-i", "-t", "-h", "-u", "-w", "-m"]
            + [
                "publish", "publish-all", "volume", "detach", "env", "env-file", "name", "rm", "restart", "network",
                "mount",
                "interactive", "tty", "hostname", "link", "label", "entrypoint", "expose", "init", "platform",
            ]
    }
}
