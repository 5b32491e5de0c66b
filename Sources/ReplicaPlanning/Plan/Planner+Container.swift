import RedisConf

extension Planner {
    /// What a container needs of a distribution's file, and nothing where the file says nothing.
    mutating func decideContainer() {
        let wanted: [(DirectiveName, String)] = [
            ("daemonize", "no"), ("supervised", "no"), ("logfile", ""), ("pidfile", ""),
        ]
        for (name, value) in wanted {
            guard let present = scalar(name), !equalsIgnoringCase(present, value) else { continue }
            set(name, to: [utf8(value)], from: .preset)
        }
        decideFolder()
        decideModules()
        decideShutdown()
    }

    /// `dir`: the variable, else a folder that was chosen on purpose, else `/data`.
    private mutating func decideFolder() {
        let stays = effective.directoryMustStay
        if environment["REDIS_DATA_DIR"] != nil {
            set("dir", to: [dataFolder], from: .environment("REDIS_DATA_DIR"), keepingEarlier: stays)
        } else if isFolderChosen, let setting = effective.last("dir"), let folder = setting.entry.values.first {
            note("dir", [folder], from: origin(of: setting), .kept)
        } else {
            set("dir", to: [dataFolder], from: .preset, keepingEarlier: stays)
        }
        keepRelativePaths()
    }

    /// The modules Redis 8 images load by their own entrypoint: the master's data may need them.
    private mutating func decideModules() {
        let folder = utf8("/usr/local/lib/redis/modules")
        guard dialect.flavour == .redis, dialect.has(8, 0), files.isFolder(folder) else { return }
        let names = files.names(inFolder: folder).filter { $0.suffix(3) == utf8(".so")[...] }
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let path = folder + utf8("/") + name
            if effective.all("loadmodule").contains(where: { $0.entry.values.first == path }) { continue }
            document.add("loadmodule", [path])
            note("loadmodule", [path], from: .preset, .appended)
        }
    }

    /// A replica that saves on SIGTERM is back with a partial resync. Older versions save if a save point is set.
    private mutating func decideShutdown() {
        guard role == .replica, dialect.surelyHas(7, 0) || dialect.flavour == .valkey else { return }
        guard value("shutdown-on-sigterm") == nil, !isOn("appendonly") else { return }
        set("shutdown-on-sigterm", to: [utf8("save")], from: .preset)
    }

    /// Whom to run as: root only where that is asked for.
    mutating func decidePrivileges() {
        guard identity.isRoot, !isSet("SKIP_DROP_PRIVS") else { return }
        let passwd = (try? files.contents(ofFile: utf8("/etc/passwd"))) ?? []
        let group = (try? files.contents(ofFile: utf8("/etc/group"))) ?? []
        for name in dialect.users {
            if let account = Account(named: name, passwd: passwd, group: group, identity: identity) {
                privileges = .drop(to: account)
                return
            }
        }
        // Where it is only looked at, by root on another machine perhaps, no user is missed.
        switch invocation.verb {
        case .run: report(.error, .noServerUser(dialect.users))
        case .check: report(.warning, .noServerUser(dialect.users))
        case .render, .probe, .help, .version: break
        }
    }

    /// Whether a `SKIP_…` variable asks to skip: anything but a plain no.
    func isSet(_ variable: String) -> Bool {
        guard let value = environment[variable] else { return false }
        return !["0", "no", "false"].contains { equalsIgnoringCase(value, $0) }
    }
}
