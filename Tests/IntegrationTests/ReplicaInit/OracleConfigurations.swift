/// A configuration that a server is booted on before and after the init has rewritten it.
struct OracleConfiguration: Sendable {
    /// What the init is expected to make of it. A file that is fatal for a version must be refused or stay fatal,
    /// regardless of this.
    enum Expectation: Sendable {
        /// Everything that was not meant to change is as it was.
        case same
        /// The init stops, because Redis would start but do something other than what is seen: exit code 78.
        case refused
        /// The init replaces the very line that is fatal.
        case cured
    }

    var name: String
    var main: [UInt8]
    /// Further files in the same folder.
    var files: [String: String] = [:]
    /// That the default user has to give.
    var password: String?
    var expectation = Expectation.same

    init(
        _ name: String, _ text: String, files: [String: String] = [:], password: String? = nil,
        _ expectation: Expectation = .same
    ) {
        self.name = name
        main = Array(text.utf8)
        self.files = files
        self.password = password
        self.expectation = expectation
    }

    /// Every stock file as it is, with CRLF, and as the original shell script left it.
    static func stock(_ files: [String]) throws -> [OracleConfiguration] {
        try files.enumerated().flatMap { index, path in
            let text = String(decoding: try Scratch.read(path), as: UTF8.self)
            let name = "stock file \(index + 1)"
            return [
                OracleConfiguration(name, text),
                OracleConfiguration("\(name) with CRLF", text.split(separator: "\n").joined(separator: "\r\n")),
                OracleConfiguration("\(name) with a line behind it", text + "slaveof 198.51.100.1 6379\n"),
            ]
        }
    }

    static let handmade = grammar + repeated + included + folders + accumulating + container + security + large

    private static let grammar: [OracleConfiguration] = [
        .init("empty", ""),
        .init("one newline", "\n"),
        .init("a comment", "# maxmemory 1mb"),
        .init("no final newline", "maxmemory 5mb"),
        .init("blanks and tabs around", "\t maxmemory\t 5mb \t\n  \t\n\tmaxclients 50"),
        .init("CRLF", "maxmemory 5mb\r\n# a\r\n\r\nmaxclients 50\r\n"),
        .init("mixed line endings", "maxmemory 5mb\r\nmaxclients 50\ntimeout 7\r\n"),
        .init("vertical tab and form feed", "\u{B}\u{C}maxmemory \u{B} 5mb\n"),
        .init("carriage returns alone", "maxmemory 1mb\rmaxclients 50\r"),
        .init("upper case", "MAXMEMORY 5MB\nMaxClients 50\nBIND 127.0.0.1\n"),
        .init("quoted names", "\"maxmemory\" 5mb\n'maxclients' 50\n\"ReplicaOf\" 127.0.0.1 1\n"),
        .init("single quotes", "maxmemory '5mb'\nmasterauth 'it\\'s \\n'\n"),
        .init("hexadecimal escapes", "maxmemory \"\\x35mb\"\nmasterauth \"\\x00\\xff\\x41\"\n"),
        .init("all escapes", "masterauth \"\\n\\r\\t\\b\\a\\\\\\\"\\q\\x4\\xZZ\"\n"),
        .init("a quote in mid-token", "maxmemory 1\"00mb\"\nmasterauth a'b c'\n"),
        .init("literal backslash and hash", "masterauth a\\b#c\\x41\n"),
        .init("a quoted hash", "masterauth \"#1\"\nmasteruser '#'\n"),
        .init("bytes above ASCII", "masterauth \u{E9}\u{20AC}\u{1F600}\n# \u{FEFF}\n"),
        .init("an empty argument", "masterauth \"\"\nlogfile ''\npidfile \"\"\n"),
        .init("a value of 10,000 bytes", "masterauth \(String(repeating: "x", count: 10_000))\n"),
        .init("quotes in a comment", "# it's \"\n   # 'x\nmaxclients 50\n"),
        .init("an unknown directive", "no-such-directive yes\n"),
        .init("an argument too many", "maxclients 50 60\n"),
        .init("a comment behind a scalar", "maxclients 50 # enough\n"),
        .init("a comment behind bind", "bind 127.0.0.1 # local\n"),
        .init("a quote that never closes", "masterauth \"abc\n"),
        .init("text behind a quote", "masterauth \"abc\"d\n"),
        .init("a byte order mark", "\u{FEFF}maxclients 50\n"),
        .init("a NUL in a comment", "# a\0b\nmaxclients 50\n", .refused),
    ]

    private static let repeated: [OracleConfiguration] = [
        .init("a scalar twice", "maxmemory 1mb\nmaxclients 50\nmaxmemory 2mb\n"),
        .init("bind twice", "bind 127.0.0.1\nmaxclients 50\nbind 127.0.0.2 127.0.0.3\n"),
        .init("slaveof and replicaof", "slaveof 127.0.0.1 1\nmaxclients 50\nreplicaof 127.0.0.1 2\n"),
        .init("replicaof and slaveof", "replicaof 127.0.0.1 2\nSLAVEOF 127.0.0.1 1\n"),
        .init("replicaof no one", "replicaof no one\nmaxclients 50\n"),
        .init("old names", "slave-read-only no\nslave-priority 7\nslave-serve-stale-data no\n"),
        .init("old names of limits", "min-slaves-to-write 1\nmin-slaves-max-lag 5\nrepl-ping-slave-period 3\n"),
        .init("an old name after the new", "replica-priority 3\nslave-priority 7\n"),
        .init("ziplist", "hash-max-ziplist-entries 77\nzset-max-ziplist-value 78\nlist-max-ziplist-size -3\n"),
        .init("listpack", "hash-max-listpack-entries 77\nhash-max-ziplist-entries 78\n"),
        .init("script time limit under both names", "busy-reply-threshold 4\nlua-time-limit 3\n"),
        .init("announced under the old name", "slave-announce-ip 198.51.100.2\nslave-announce-port 7\n"),
        .init("announced twice", "replica-announce-ip 198.51.100.2\nslave-announce-ip 198.51.100.3\n"),
        .init("primaryauth", "primaryauth a\nmasterauth b\nprimaryuser u\n", .cured),
        .init("everything quoted twice", "\"bind\" \"127.0.0.1\"\n'bind' '127.0.0.2'\n\"dir\" \".\"\n'dir' './'\n"),
    ]

    private static let included: [OracleConfiguration] = [
        .init("an include", "include a.conf\nmaxclients 50\n", files: ["a.conf": "maxmemory 5mb\nmaxclients 60"]),
        .init("an include behind", "maxclients 50\ninclude a.conf\n", files: ["a.conf": "maxclients 60\n"]),
        .init("an empty include", "include a.conf\nmaxclients 50\n", files: ["a.conf": ""]),
        .init("a quoted include", "include \"a b.conf\"\n", files: ["a b.conf": "maxmemory 5mb\n"]),
        .init("an absolute include", "include {folder}/a.conf\n", files: ["a.conf": "maxmemory 5mb\r\n"]),
        .init(
            "nested includes", "include a.conf\n",
            files: ["a.conf": "include sub/b.conf\ntimeout 3\n", "sub/b.conf": "maxmemory 5mb\ntimeout 4\n"]),
        .init("one include twice", "include a.conf\nsave 9 9\ninclude a.conf\n", files: ["a.conf": "save 1 1\n"]),
        .init("a missing include", "include none.conf\nmaxclients 50\n"),
        .init("an include without a path", "include\nmaxclients 50\n"),
        .init(
            "a glob", "include conf.d/*.conf\n",
            files: ["conf.d/2.conf": "maxmemory 2mb\n", "conf.d/1.conf": "maxmemory 1mb\ntimeout 5\n"]),
        .init("a glob without a match", "include conf.d/*.conf\ninclude none/[ab]*\nmaxclients 50\n"),
        .init(
            "a glob with brackets", "include conf.d/[!c]?.cnf\n",
            files: ["conf.d/a1.cnf": "timeout 4\n", "conf.d/c1.cnf": "timeout 5\n"]),
        .init(
            "a glob and hidden files", "include conf.d/*\n",
            files: ["conf.d/.a": "timeout 4\n", "conf.d/b": "maxclients 50\n"]),
        .init(
            "a glob of folders", "include */x.conf\n", files: ["b/x.conf": "timeout 4\n", "a/x.conf": "timeout 5\n"]),
        .init("included bind", "bind 127.0.0.1\ninclude a.conf\n", files: ["a.conf": "bind 127.0.0.2\n"]),
        .init(
            "included replicaof", "include a.conf\nmaxclients 50\n", files: ["a.conf": "replicaof 127.0.0.1 1\n"]),
        .init(
            "included daemonize", "include a.conf\n",
            files: ["a.conf": "daemonize yes\nlogfile x.log\npidfile x.pid\nsupervised auto\n"]),
        .init("included password", "include a.conf\n", files: ["a.conf": "requirepass secret\n"], password: "secret"),
        .init("included mode", "protected-mode yes\ninclude a.conf\n", files: ["a.conf": "protected-mode yes\n"]),
    ]

    private static let folders: [OracleConfiguration] = [
        .init("dir", "dir sub\nmaxclients 50\n", files: ["sub/x": ""]),
        .init("dir and an include", "dir sub\ninclude a.conf\n", files: ["sub/a.conf": "maxmemory 5mb\n"]),
        .init(
            "dir there and back", "dir sub\ninclude a.conf\ndir ..\ninclude c.conf\n",
            files: ["sub/a.conf": "maxmemory 5mb\n", "c.conf": "timeout 9\n"]),
        .init(
            "dir in an include", "include a.conf\ninclude b.conf\n",
            files: ["a.conf": "dir sub\n", "sub/b.conf": "maxmemory 8mb\nreplicaof 127.0.0.1 9\n"]),
        .init("a dir that is not there", "dir nowhere\nmaxclients 50\n", .cured),
        .init("a quoted dir", "dir \"a b\"\ninclude x.conf\n", files: ["a b/x.conf": "timeout 8\n"]),
    ]

    private static let accumulating: [OracleConfiguration] = [
        .init("save lines", "save 1 1\nsave 2 2\nsave 3 3\n"),
        .init("no save", "save \"\"\nmaxclients 50\n"),
        .init("save after no save", "save 1 1\nsave \"\"\nsave 5 5\n"),
        .init("save around an include", "save 1 1\ninclude a.conf\nsave 3 3\n", files: ["a.conf": "save 9 9\n"]),
        .init("save behind an include", "include a.conf\nsave 3 3\nsave 4 4\n", files: ["a.conf": "timeout 9\n"]),
        .init("save points on one line", "save 1 1 2 2\n"),
        .init("renamed commands", "rename-command FLUSHALL \"\"\nrename-command KEYS \"k e#ys\"\n"),
        .init(
            "buffer limits",
            "client-output-buffer-limit replica 1mb 1mb 1\nclient-output-buffer-limit slave 2mb 2mb 2\n"),
        .init(
            "buffer limits of many classes",
            "client-output-buffer-limit normal 1mb 1mb 1\nclient-output-buffer-limit pubsub 2mb 2mb 2\n"),
        .init("buffer limits on one line", "client-output-buffer-limit normal 1 1 1 replica 2 2 2\n"),
        .init("users", "user bob on >pw#1 ~* +@all\nuser eve off\nuser \"al\" on nopass ~a* +get\n"),
        .init("a user twice", "user bob on >a ~* +@all\nuser bob on >b ~* +@all\n"),
        .init("values of one line", "oom-score-adj-values 0 100 200\n"),
        .init("values in one string", "oom-score-adj-values \"0 100 200\"\n"),
        .init("percentiles", "latency-tracking-info-percentiles 50 99 99.9\n"),
        .init("events", "notify-keyspace-events \"KE\\x41\"\n"),
        .init("a title", "proc-title-template '{title} it\\'s'\n"),
    ]

    private static let container: [OracleConfiguration] = [
        .init("daemonize", "DAEMONIZE YES\nmaxclients 50\n"),
        .init("supervised", "supervised auto\nsupervised systemd\n"),
        .init("a log file", "logfile a.log\nlogfile \"b c.log\"\nloglevel warning\n"),
        .init("a pid file", "pidfile /nowhere/redis.pid\nmaxclients 50\n"),
        .init("bind with an optional address", "bind 127.0.0.1 -::1\n"),
        .init("bind in one string", "bind \"127.0.0.1 -::1\"\n"),
        .init("bind to nothing", "bind \"\"\nmaxclients 50\n"),
        .init("append only", "appendonly yes\nappendfilename \"a.aof\"\n"),
        .init("shutdown", "shutdown-on-sigterm nosave\n"),
        .init("announced", "replica-announce-ip 198.51.100.2\nreplica-announced no\n"),
        .init("other scalars", "databases 4\nloglevel warning\nmaxmemory-policy allkeys-lru\nhz 20\ntimeout 9\n"),
        .init("a socket's mode", "unixsocketperm 770\n"),
    ]

    private static let security: [OracleConfiguration] = [
        .init("a password", "requirepass secret\n", password: "secret"),
        .init("a quoted password", "requirepass \"p w\\x41#\"\nmasterauth 'a\"b'\n", password: "p wA#"),
        .init("two passwords", "requirepass a\nrequirepass b\n", password: "b"),
        .init("a user for the master", "masteruser replica\nmasterauth pass\n"),
        .init("a default user with a password", "user default on >secret ~* +@all\n", password: "secret"),
        .init("a default user without", "user default on nopass ~* &* +@all\n"),
        .init("nopass and requirepass", "user default on nopass ~* +@all\nrequirepass a\n", .refused),
        .init("users and a file of them", "user bob on\naclfile users.acl\n", files: ["users.acl": "user al on\n"]),
        .init("a file of users", "aclfile {folder}/users.acl\n", files: ["users.acl": "user al on nopass\n"]),
        .init("a password too many", "requirepass a b\n"),
        .init("protected", "protected-mode yes\nprotected-mode YES\n"),
    ]

    private static let large: [OracleConfiguration] = [
        .init("a comment of 2 MB", "# \(String(repeating: "y", count: 2_000_000))\nmaxclients 50\n"),
        .init("3 MB of comments", "maxclients 50\n\(String(repeating: "# bind 127.0.0.1 it's \"\n", count: 120_000))"),
        .init("20,000 lines of one directive", String(repeating: "maxclients 50\n", count: 20_000) + "maxclients 60"),
    ]
}
