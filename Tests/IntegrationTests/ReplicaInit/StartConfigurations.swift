/// A configuration of which `check` says whether a real server would start on it.
struct StartConfiguration: Sendable {
    var name: String
    var text: String
    /// Further files in the configuration's folder, `{folder}` in texts.
    var files: [String: String] = [:]
    /// Files in the data folder.
    var dataFiles: [String: String] = [:]
    /// redis-server's; else those that make it listen at its socket alone.
    var arguments: [String]?
    /// The line of the configuration that the first error has to name, where a server refuses it.
    var line: Int?

    init(_ name: String, _ text: String, files: [String: String] = [:], line: Int? = nil) {
        self.name = name
        self.text = text
        self.files = files
        self.line = line
    }

    static let all = found + versions + values + users + files + folders + tls

    /// What a server of another version would take or refuse.
    static let dependingOnVersion =
        versions + users + files + tls + [
            .init("text behind a quote, twice", "masterauth \"a\"b\nmasteruser 'c'd\n"),
            .init("an included name of Valkey", "include a.conf\n", files: ["a.conf": "primaryauth s\n"]),
            .init("a user of three lines", "user bob on\nuser eve on\nuser bob off\nuser bob on\n"),
        ]

    /// What people mount. Nothing in here listens at a port: a cluster's node would, at 10000. Kinds of files as they are met, each written for this test.
    private static let found: [StartConfiguration] = [
        .init(
            "a distribution's",
            """
            bind 127.0.0.1
            protected-mode yes
            tcp-backlog 511
            daemonize yes
            supervised systemd
            pidfile /run/redis/redis-server.pid
            loglevel notice
            logfile /var/log/redis/redis-server.log
            databases 16
            always-show-logo no
            save 900 1
            save 300 10
            dbfilename dump.rdb
            dir /var/lib/redis
            replica-serve-stale-data yes
            appendonly no
            appendfsync everysec
            list-max-ziplist-size -2
            client-output-buffer-limit replica 256mb 64mb 60
            hz 10

            """),
        .init("a compose file's mount", "bind 0.0.0.0\nprotected-mode no\nappendonly yes\nmaxmemory 256mb\n"),
        .init(
            "a chart's",
            "dir /opt/data\nappendonly yes\nsave \"\"\nrename-command FLUSHDB \"\"\nmaxmemory-policy noeviction\n"),
        .init("a template that was not rendered", "port 6379\nmaxmemory {{ .Values.memory }}\n", line: 2),
        .init("a variable that nothing replaces", "requirepass ${REDIS_PASSWORD}\n"),
        .init("YAML in place of directives", "maxmemory: 2mb\n", line: 1),
        .init("an assignment", "timeout 1\nmaxclients=50\n", line: 2),
        .init("a section of an INI file", "[redis]\nport 6379\n", line: 1),
        .init("a command", "redis-server /etc/redis.conf\n", line: 1),
        .init("quoted values of a ConfigMap", "appendonly \"yes\"\nmaxmemory \"100mb\"\n"),
        .init("a Sentinel's file", "port 26379\nsentinel monitor m 127.0.0.1 6379 2\n", line: 2),
        .init("a Sentinel's file without its line", "sentinel\nmaxclients 50\n"),
        .init("CRLF", "maxmemory 5mb\r\n\r\n# a\r\nmaxclients 50\r\n"),
        .init("CRLF and a wrong value", "maxmemory 5mb\r\nmaxclients 50x\r\n", line: 2),
        .init("an inline comment", "maxclients 50 # enough\n", line: 1),
        .init("a file of the time before 2.6", "timeout 3\nvm-enabled no\nvm-swap-file /tmp/x\n", line: 2),
        .init("a file of Valkey", "primaryauth a\nprimaryuser b\n", line: 1),
        .init("old names", "slave-read-only yes\nmin-slaves-to-write 0\nslave-priority 7\n"),
        .init("new names", "hash-max-listpack-entries 7\nlist-max-listpack-size -2\n", line: 1),
        .init("names of lists that were given up", "list-max-ziplist-entries 512\nlist-max-ziplist-value 64\n"),
        .init("threads", "io-threads 2\nio-threads-do-reads yes\n"),
        .init(
            "a tuned one", "tcp-keepalive 60\nlazyfree-lazy-eviction yes\nrepl-backlog-size 64mb\nactiverehashing no\n"),
        .init("one directive many times", "maxclients 50\nmaxclients 60\nmaxclients 70\n"),
    ]

    private static let versions: [StartConfiguration] = [
        .init("a folder of append-only files", "appenddirname aof\n", line: 1),
        .init("debugging", "enable-debug-command local\n", line: 1),
        .init("memory of clients", "maxmemory-clients 10%\n", line: 1),
        .init("shutting down", "shutdown-on-sigterm save now\n", line: 1),
        .init("percentiles", "latency-tracking-info-percentiles 50 99.9\n", line: 1),
        .init("two channels", "dual-channel-replication-enabled no\n", line: 1),
        .init("events of new keys", "notify-keyspace-events Kn\n", line: 1),
        .init("limits on one line", "client-output-buffer-limit normal 1 1 1 replica 2 2 2\n", line: 1),
        .init("no address", "bind\n"),
        .init("saving by one line", "save 900 1 300 10\n"),
        .init("an odd list of save points", "save 900 1 300\n", line: 1),
        .init("an empty name of the dump", "dbfilename \"\"\n", line: 1),
        .init("an empty name of the append-only file", "appendfilename \"\"\n", line: 1),
        .init("text behind a quote", "syslog-ident \"a\"b\n", line: 1),
        .init("a limit beyond 64 bits", "maxmemory 99999999999gb\n", line: 1),
        .init("a module's setting", "search.threads 4\n", line: 1),
        .init("a setting without its module", "search-threads 4\n", line: 1),
        .init("a replica's port in one string", "replicaof \"127.0.0.1 1\"\n"),
    ]

    private static let values: [StartConfiguration] = [
        ("maxmemory", "2 mb"), ("maxmemory", "1.5gb"), ("maxmemory", "gb"), ("maxmemory", "-1"),
        ("maxmemory", "5 # mb"),
        ("maxmemory-policy", "allkeys_lru"), ("maxmemory-policy", "ALLKEYS-LRU"), ("appendfsync", "everysecond"),
        ("appendonly", "on"), ("appendonly", "true"), ("databases", "0"), ("databases", "07"), ("tcp-backlog", "many"),
        ("timeout", "-1"), ("timeout", "60s"), ("loglevel", "info"), ("loglevel", "nothing"), ("maxclients", "0"),
        ("hz", "400"), ("repl-timeout", "0"), ("repl-backlog-size", "0"), ("io-threads", "0"), ("io-threads", "500"),
        ("unixsocketperm", "770"), ("unixsocketperm", "888"), ("unixsocketperm", "7777"), ("dbfilename", "a/b.rdb"),
        ("appendfilename", "a/b"), ("save", "900"), ("save", "0 1"), ("save", "900 -1"), ("save", "x y"),
        ("client-output-buffer-limit", "slaves 1 1 1"), ("client-output-buffer-limit", "replica 1mb 1mb -5"),
        ("notify-keyspace-events", "Kq"), ("oom-score-adj-values", "0 100"), ("oom-score-adj-values", "0 100 3000"),
        ("oom-score-adj", "relative"), ("tls-auth-clients", "maybe"), ("acl-pubsub-default", "all"),
        ("repl-diskless-load", "flush"), ("sanitize-dump-payload", "perhaps"), ("replica-announced", "2"),
        ("proc-title-template", "\"{title} {nosuch}\""), ("rename-command", "CONFI x"), ("rename-command", "GET SET"),
        ("rename-command", "CONFIG \"\""), ("rename-command", "CONFIG"),
        ("requirepass", String(repeating: "p", count: 513)),
        ("syslog-facility", "local9"), ("supervised", "maybe"), ("bind", "a b c d e f g h i j k l m n o p q"),
        ("latency-monitor-threshold", "-1"), ("list-compress-depth", "x"), ("active-expire-effort", "11"),
        ("lfu-decay-time", "1"), ("cluster-announce-port", "70000"), ("lua-time-limit", "5000"),
        ("jemalloc-bg-thread", "no"),
        ("tracking-table-max-keys", "1000000"), ("set-proc-title", "no"), ("crash-log-enabled", "maybe"),
        ("locale-collate", "C"), ("availability-zone", "a"), ("no-such-directive", "yes"), ("maxmemroy", "1gb"),
    ].map { .init("\($0) \($1)".prefix(60).description, "timeout 1\n\($0) \($1)\n") }

    private static let users: [StartConfiguration] = [
        .init("users", "user bob on >pw ~* +@all\nuser eve off\n"),
        .init("a user twice", "user bob on\nuser bob off\n"),
        .init("an unknown rule", "user bob on everything\n", line: 1),
        .init("an unknown command", "user bob on +nosuch\n", line: 1),
        .init("an unknown category", "user bob on +@nosuch\n", line: 1),
        .init("a key behind all keys", "user bob on allkeys ~a\n", line: 1),
        .init("a hash that is none", "user bob on #1234\n", line: 1),
        .init("a password that is taken away", "user bob on <pw\n", line: 1),
        .init("channels", "user bob on resetchannels &news:*\n"),
        .init("channels by default", "user bob on &news:*\n"),
        .init("a selector", "user bob on (+get ~a)\n"),
        .init("an open selector", "user bob on (+get ~a\n", line: 1),
        .init(
            "users and a file of them", "user bob on\naclfile {folder}/users.acl\n",
            files: ["users.acl": "user al on\n"]),
        .init(
            "a file of users", "aclfile {folder}/users.acl\n",
            files: ["users.acl": "user al on >x ~* +@all\n\nuser b off\n"]),
        .init("an empty file of users", "aclfile {folder}/users.acl\n", files: ["users.acl": ""]),
        .init("a file of users that is not there", "aclfile {folder}/none.acl\n", line: 1),
        .init(
            "a comment in a file of users", "aclfile {folder}/users.acl\n", files: ["users.acl": "# all\nuser al on\n"]),
        .init("a user twice in a file", "aclfile {folder}/users.acl\n", files: ["users.acl": "user a on\nuser a on\n"]),
        .init("a bad rule in a file", "aclfile {folder}/users.acl\n", files: ["users.acl": "user a on +nosuch\n"]),
    ]

    private static let files: [StartConfiguration] = [
        .init("a missing include", "timeout 1\ninclude none.conf\n", line: 2),
        .init("an included folder", "include sub\nmaxclients 50\n", files: ["sub/x": ""]),
        .init("a wrong line in an included file", "include a.conf\n", files: ["a.conf": "maxclients many\n"]),
        .init(
            "files of a pattern that are joined", "include conf.d/*.conf\n",
            files: ["conf.d/1.conf": "maxclients 50", "conf.d/2.conf": "timeout 3\n"]),
        .init(
            "joined to something that is taken", "include conf.d/*.conf\n",
            files: ["conf.d/1.conf": "bind 127.0.0.1", "conf.d/2.conf": "timeout 3\n"]),
        .init("a missing module", "timeout 1\nloadmodule {folder}/none.so\n", line: 2),
        .init("a module that is none", "loadmodule {folder}/a.so\n", files: ["a.so": "text"], line: 1),
        .init("TLS without files", "tls-port 6390\n"),
        .init(
            "TLS with files that are not there",
            "tls-port 6390\ntls-cert-file {folder}/c\ntls-key-file {folder}/k\ntls-ca-cert-file {folder}/a\n"),
        .init(
            "TLS with files that are none",
            "tls-port 6390\ntls-cert-file {folder}/c\ntls-key-file {folder}/c\ntls-ca-cert-file {folder}/c\n",
            files: ["c": "text"]),
    ]

    private static let folders: [StartConfiguration] = [
        .init("an earlier dir that is not there", "include a.conf\n", files: ["a.conf": "dir /nowhere/at/all\n"]),
        .init("a log file in no folder, included", "include a.conf\n", files: ["a.conf": "logfile /nowhere/x.log\n"]),
        .init(
            "a cluster's file in no folder", "cluster-enabled yes\ncluster-config-file /nowhere/nodes.conf\n", line: 2),
    ]

    /// Nothing listens with these: `tls-replication` alone makes a server read its files.
    private static let inUse =
        "tls-replication yes\ntls-cert-file {tls}/node.pem\ntls-key-file {tls}/node.readable.key\n"
        + "tls-ca-cert-file {tls}/ca.pem\n"

    private static let tls: [StartConfiguration] = [
        .init("TLS", inUse),
        .init("TLS and a missing file of Diffie-Hellman", inUse + "tls-dh-params-file {folder}/none\n"),
        .init("TLS and Diffie-Hellman", inUse + "tls-dh-params-file {folder}/dh\n", files: ["dh": parameters]),
        .init("TLS and a certificate for Diffie-Hellman", inUse + "tls-dh-params-file {tls}/ca.pem\n"),
        .init("TLS with protocols", inUse + "tls-protocols \"TLSv1.2 tlsv1.3\"\n"),
        .init("TLS with no protocols", inUse + "tls-protocols \"\"\n"),
        .init("TLS of a version to come", inUse + "tls-protocols \"TLSv9\"\n"),
        .init("TLS with two blanks", inUse + "tls-protocols \"TLSv1.2  TLSv1.3\"\n"),
        .init("TLS with commas", inUse + "tls-protocols TLSv1.2,TLSv1.3\n"),
        .init("TLS with protocols as two arguments", inUse + "tls-protocols TLSv1.2 TLSv1.3\n", line: 5),
        .init("protocols without TLS", "tls-protocols TLSv9\ntls-dh-params-file /none\n"),
        .init("TLS with a folder of authorities that is not there", inUse + "tls-ca-cert-dir /none\n"),
        .init("an empty passphrase alone", "tls-key-file-pass \"\"\n"),
        .init("an empty passphrase of clients", "timeout 1\ntls-client-key-file-pass ''\n"),
        .init("an empty passphrase before a file", "tls-key-file-pass \"\"\ntls-cert-file /none\n"),
        .init("defragmentation", "timeout 1\nactivedefrag yes\n"),
        .init("no defragmentation", "activedefrag no\nactive-defrag-cycle-max 30\n"),
        .init("a subcommand that is taken away", "user bob on +@all -config|set\n"),
        .init("a first argument that is taken away", "user bob on -debug|sleep\n"),
        .init("a subcommand that came later", "user bob on +cluster|slot-stats\n"),
        .init("a subcommand of nothing", "user bob on +config|nosuch\n"),
        .init("channels that are open by default", "acl-pubsub-default allchannels\nuser bob on &a\n"),
        .init("channels that are closed later", "user bob on &a\nacl-pubsub-default resetchannels\n"),
        .init("channels that are closed before", "acl-pubsub-default resetchannels\nuser bob on &a\n"),
        .init(
            "two blanks in a file of users", "aclfile {folder}/users.acl\n", files: ["users.acl": "user a  on\t\r\n"]),
        .init(
            "two blanks before the name", "aclfile {folder}/users.acl\n", files: ["users.acl": "user  a on\n"]),
        .init("a tab in a file of users", "aclfile {folder}/users.acl\n", files: ["users.acl": "user a\ton\n"]),
        .init(
            "a subcommand in a file", "aclfile {folder}/users.acl\n",
            files: ["users.acl": "user a on +@all -config|set\n"]),
        .init("a pattern that matches nothing", "include none.d/*.conf\n"),
        .init("a pattern that is a file's name", "include [a].conf\n", files: ["[a].conf": "timeout 1\n"]),
    ]

    /// A start with these arguments; the file of the server has the socket.
    static func arguments(_ arguments: [String]) -> StartConfiguration {
        var configuration = StartConfiguration(
            "arguments \(arguments)", "port 0\nunixsocket {socket}\nsave \"\"\n",
            files: ["extra.conf": "timeout x\n"])
        configuration.dataFiles = [
            "extra.conf": "maxclients 50\n", "bad.conf": "maxclients many\n", "conf.d/a.conf": "timeout 3\n",
        ]
        configuration.arguments = arguments
        return configuration
    }

    /// Arguments of each kind.
    static let arguments: [[String]] = [
        ["--bind"], ["--bind", "127.0.0.1"], ["--bind", ""], ["--port", "0"], ["--port"], ["--port", "x"],
        ["--include", "none.conf"], ["--include", "extra.conf"], ["--include", "bad.conf"],
        ["--include", "conf.d/*.conf"], ["--include"], ["--save", ""], ["--save", "\"\""], ["--save", "900 1"],
        ["--save", "900", "1"], ["--save"], ["--maxmemory", "1mb"], ["--maxmemory", "2 mb"], ["--maxmemory 1mb"],
        ["--maxmemory"], ["--appendonly", "no"], ["--appendonly", "on"], ["--hz=10"], ["--hz", "10"],
        ["--user", "bob", "on"], ["--user", "bob", "on", "+nosuch"], ["--rename-command", "GET", "x"],
        ["--dir", "."], ["--dir", "conf.d"], ["--dbfilename", "a/b"], ["--unixsocket", ""],
        ["--loglevel", "verbose"], ["--loadmodule", "./none.so"], ["--aclfile", "none"], ["--nosuch", "1"],
        ["--replicaof", "no", "one"], ["--maxclients", "\"50\""], ["--loglevel", "notice", "extra"],
        ["--client-output-buffer-limit", "normal", "1", "1", "1"], ["--client-output-buffer-limit", "normal 1 1 1"],
        ["--tls-port", "0"], ["--activedefrag", "yes"], ["--oom-score-adj-values", "0 1 2"], ["hz", "10"],
        ["--syslog-ident", "it's"], ["--timeout", "1", "--timeout", "2"], ["--SAVE", ""], ["--masteruser", "a b"],
    ]

    private static let parameters = """
        -----BEGIN DH PARAMETERS-----
        MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
        +8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
        87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
        YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
        7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
        ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
        -----END DH PARAMETERS-----

        """
}
