public import Settings

extension ServiceEnvironment {
    /// Every variable, in the order of the help text. Ranges, choices and defaults are read from here too.
    public static let variables = VariableList([
        // Where it listens, and its name.
        Variable("HOST", .listening, "Where to listen.", default: .described("all interfaces")),
        Variable("PORT", .listening, "The port; 0: the kernel chooses one.", .number(0...65535), default: "8080"),
        Variable(
            "SHARE_PORT", .listening,
            "Share the port with other processes (SO_REUSEPORT); the kernel spreads the connections.", .yesOrNo,
            default: "no"),
        Variable(
            "EVENT_LOOPS", .listening, "Number of event loops.", .number(1...1024), default: .described("one a core")),
        Variable(
            "HOSTNAME", .listening, "The name in \"You've hit <NAME>\".", default: .described("the kernel's host name")),

        // What it answers, and whom.
        Variable(
            "POD_IP", .clients, "The pod_ip of the answers.",
            default: .described("the first address that is not loopback")),
        Variable(
            "API_TOKEN", .clients, "The bearer token that clients must send; without one, all clients are served.",
            .secret),
        Variable(
            "API_TOKEN_FILE", .clients,
            "A file with the bearer token that clients must send, 16 bytes or more; or give the token itself in "
                + "API_TOKEN. Without one, all clients are served."),

        Variable(
            "CORS_ALLOWED_ORIGINS", .clients,
            "The origins whose pages may read the answers in a browser, as https://app.example.com,…; * for all. Default: "
                + "none."),
        Variable(
            "ALLOWED_HOSTS", .clients,
            "More host names that clients may use, as app.example.com,…, where it listens on loopback without a token; * "
                + "for all.", default: .described("localhost and its address")),
        Variable(
            "MAX_BODY_MIB", .clients, "The largest value that PUT takes, in MiB; other bodies: at most 8.",
            .number(1...512), default: "8"),
        Variable(
            "MEMORY_BUDGET_MIB", .clients,
            "Memory for all clients together, in MiB: requests, and answers that they have not taken.",
            .number(16...65536), default: .described("a sixth of the container's limit, or 48")),
        Variable(
            "MAX_CONNECTIONS", .clients,
            "Number of client connections; a few more are accepted for probes.", .number(8...1_000_000),
            default: .described("143 a MiB of MEMORY_BUDGET_MIB, at most 16384, as far as ulimit -n allows")),
        Variable(
            "CLIENT_TIMEOUT_SECONDS", .clients,
            "Time for the head of a request, and the window over which bodies and answers must reach "
                + "CLIENT_MIN_BYTES_PER_SECOND.", .number(1...3600), default: "30"),
        Variable(
            "CLIENT_MIN_BYTES_PER_SECOND", .clients,
            "Minimum rate at which a client sends its bodies and takes its answers; with 0, one byte in "
                + "CLIENT_TIMEOUT_SECONDS is enough.", .number(0...1_000_000_000), default: "1024"),

        // Where the servers are.
        Variable(
            "GET_HOSTS_FROM", .servers,
            "dns: use the names redis-master and redis-slave, and ignore the variables of the hosts.",
            .choice(["dns", "env"]), default: "env"),
        Variable(
            "REDIS_NODES", .servers,
            "All nodes, as host:port,…; each address of each name is one. The leader is found among them, and the hosts below "
                + "are not read."),
        Variable(
            "WRITE_HOLD_MILLISECONDS", .servers,
            "How long a write that was surely not carried out waits for a master that takes it; 0: it fails at once.",
            .number(0...60_000),
            default: .described("2000 with REDIS_NODES, 4000 with REDIS_SENTINEL_HOST, else 1000")),
        Variable(
            "REDIS_SENTINEL_HOST", .servers,
            "The Sentinels, as host[:port],…; each address of each name is one. They decide which server is the master, and list "
                + "the replicas; REDIS_NODES and the master below are not read."),
        Variable(
            "REDIS_SENTINEL_PORT_NUMBER", .servers, "The port of Sentinels without one.", .number(1...65535),
            default: "26379"),
        Variable(
            "REDIS_SENTINEL_MASTER_NAME", .servers, "The master's name in Sentinel's file (sentinel monitor NAME …).",
            default: "mymaster"),
        Variable(
            "REDIS_SENTINEL_USERNAME", .servers, "The user of the Sentinels' password.",
            default: .described("the default user")),
        Variable("REDIS_SENTINEL_PASSWORD", .servers, "The password of the Sentinels.", .secret),
        Variable(
            "REDIS_SENTINEL_PASSWORD_FILE", .servers,
            "A file with the password of the Sentinels; or give the password itself in REDIS_SENTINEL_PASSWORD."),
        Variable(
            "REDIS_SENTINEL_TLS", .servers, "Use TLS to the Sentinels, by the files of REDIS_TLS_….", .yesOrNo,
            default: "no"),
        Variable("REDIS_MASTER_SERVICE_HOST", .servers, "The master.", default: "redis-master"),
        Variable("REDIS_MASTER_SERVICE_PORT", .servers, "The master's port.", .number(1...65535), default: "6379"),
        Variable(
            "REDIS_MASTER_NODES_HOST", .servers,
            "A headless name with the address of every server behind the master's name, at the master's port. It reveals two "
                + "masters."),
        Variable(
            "REDIS_SLAVE_ENDPOINTS", .servers,
            "All replicas, as host:port,…; wins over the next two."),
        Variable(
            "REDIS_SLAVE_NODES_HOST", .servers,
            "A headless name: each of its addresses is a replica, at REDIS_SLAVE_SERVICE_PORT."),
        Variable("REDIS_SLAVE_SERVICE_HOST", .servers, "The replicas' Service.", default: "redis-slave"),
        Variable("REDIS_SLAVE_SERVICE_PORT", .servers, "The replicas' port.", .number(1...65535), default: "6379"),

        // How it speaks to them.
        Variable("REDIS_USER", .connections, "The user of the password.", default: .described("Redis's default user")),
        Variable("REDIS_PASSWORD", .connections, "The password of the servers.", .secret),
        Variable(
            "REDIS_PASSWORD_FILE", .connections,
            "A file with the password of the servers; or give the password itself in REDIS_PASSWORD."),
        Variable(
            "REDIS_DATABASE", .connections, "The number of the database, as in SELECT.", .number(0...2_147_483_647),
            default: "0"),
        Variable(
            "REDIS_CONNECTION_MAX_AGE_SECONDS", .connections,
            "Age in seconds at which a connection to a replica is replaced; 0: never.",
            .number(0...604_800), default: "300"),
        Variable(
            "REDIS_MAX_IN_FLIGHT", .connections, "Commands that may wait for a server, per event loop.",
            .number(1...1_000_000), default: "16384"),
        Variable(
            "REDIS_MAX_LARGE_READS", .connections,
            "Values over 1 MiB read at a time, each over its own connection; others wait.",
            .number(1...4096), default: "32"),

        Variable("REDIS_TLS_ENABLED", .tls, "Use TLS to every server.", .yesOrNo, default: "no"),
        Variable("REDIS_TLS_CA_FILE", .tls, "The authorities, in PEM, that may sign the servers' certificates."),
        Variable("REDIS_TLS_CERT_FILE", .tls, "The client's certificate, in PEM, if servers ask for one."),
        Variable("REDIS_TLS_KEY_FILE", .tls, "The key of the client's certificate, in PEM."),
        Variable(
            "REDIS_TLS_SERVER_NAME", .tls, "The name that certificates are checked for.",
            default: .described("the configured host")),
        Variable(
            "REDIS_TLS_VERIFY", .tls, "full: check a certificate and its name; ca: do not check its name.",
            .choice(["full", "ca"]), default: "full"),

        Variable(
            "LOG_FORMAT", .log, "The form of the log on stderr: JSON objects, or text.",
            .choice(["json", "text"]),
            default: .described("json, but text on a terminal")),
        Variable(
            "LOG_LEVEL", .log, "Minimum log level.",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info"),
        Variable(
            "ACCESS_LOG_SAMPLE", .log,
            "Log one of so many answers; 0: none. Failed ones (5xx) are always logged.",
            .number(0...1_000_000),
            default: "0"),

        Variable(
            "DRAIN_DELAY_SECONDS", .shutdown,
            "How long requests are accepted after SIGTERM, while /readyz says no and every answer closes its "
                + "connection. SIGINT, or a second SIGTERM, ends this time.", .number(0...300), default: "5"),
        Variable(
            "DRAIN_TIMEOUT_SECONDS", .shutdown,
            "How long requests under way may take after that, before they are closed.", .number(0...3600),
            default: "20"),
    ])
}

/// The parts of the help text.
extension Variable.Group {
    static let listening = Variable.Group("Listening")
    static let clients = Variable.Group("Clients")
    static let servers = Variable.Group("Redis servers")
    static let connections = Variable.Group("Redis connections")
    static let tls = Variable.Group("TLS to Redis")
    static let log = Variable.Group("Log")
    static let shutdown = Variable.Group("Shutdown")
}

extension [Variable.Group] {
    /// Those that the key-value service has: all of them.
    public static var ofService: Self { [.listening, .clients, .servers, .connections, .tls, .log, .shutdown] }

    /// Those that the hostname server has.
    public static var ofHostname: Self { [.listening, .log, .shutdown] }
}
