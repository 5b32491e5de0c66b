public import Settings

extension ServiceEnvironment {
    /// Every variable, in the order of the help text. Ranges, choices and defaults are read from here too.
    public static let variables = VariableList([
        // Where it listens, and the name it goes by.
        Variable("HOST", .listening, "Where to listen.", default: .described("all interfaces")),
        Variable("PORT", .listening, "The port; with 0 the kernel chooses one.", .number(0...65535), default: "8080"),
        Variable(
            "SHARE_PORT", .listening,
            "Share the port with other processes (SO_REUSEPORT); the kernel spreads the connections.", .yesOrNo,
            default: "no"),
        Variable(
            "EVENT_LOOPS", .listening, "How many event loops.", .number(1...1024), default: .described("one a core")),
        Variable(
            "HOSTNAME", .listening, "The name in \"You've hit <NAME>\".", default: .described("the kernel's host name")),

        // What it answers, and whom.
        Variable(
            "POD_IP", .clients, "The pod_ip of the answers.",
            default: .described("the first address that is not loopback")),
        Variable(
            "API_TOKEN", .clients, "What clients have to show as a bearer token; without one, everybody is served.",
            .secret),
        Variable(
            "API_TOKEN_FILE", .clients,
            "A file that holds the bearer token that clients have to show, 16 bytes or more; or give the token itself in "
                + "API_TOKEN. Without one, everybody is served."),

        Variable(
            "CORS_ALLOWED_ORIGINS", .clients,
            "The origins whose pages may read the answers in a browser, as https://app.example.com,…; * for all. Without it, "
                + "none may."),
        Variable(
            "MAX_BODY_MIB", .clients, "The largest value that PUT takes, in MiB; other bodies stay at 8 at the most.",
            .number(1...512), default: "8"),
        Variable(
            "MEMORY_BUDGET_MIB", .clients,
            "What may be held for all clients together, in MiB: requests, and answers that they have not taken.",
            .number(16...65536), default: .described("a sixth of the container's limit, or 48")),
        Variable(
            "CLIENT_TIMEOUT_SECONDS", .clients,
            "How long the head of a request may take, and over which time bodies and answers have to move at "
                + "CLIENT_MIN_BYTES_PER_SECOND.", .number(1...3600), default: "30"),
        Variable(
            "CLIENT_MIN_BYTES_PER_SECOND", .clients,
            "How fast a client has to send its bodies and take its answers; with 0, one byte in "
                + "CLIENT_TIMEOUT_SECONDS is enough.", .number(0...1_000_000_000), default: "1024"),

        // Where the servers are.
        Variable(
            "GET_HOSTS_FROM", .servers,
            "dns: use the names redis-master and redis-slave, whatever the variables of the hosts say.",
            .choice(["dns", "env"]), default: "env"),
        Variable("REDIS_MASTER_SERVICE_HOST", .servers, "The master.", default: "redis-master"),
        Variable("REDIS_MASTER_SERVICE_PORT", .servers, "The master's port.", .number(1...65535), default: "6379"),
        Variable(
            "REDIS_SLAVE_ENDPOINTS", .servers,
            "The replicas, one by one, as host:port,…; wins over the two that follow."),
        Variable(
            "REDIS_SLAVE_NODES_HOST", .servers,
            "A headless name: every address it has is a replica, at REDIS_SLAVE_SERVICE_PORT."),
        Variable("REDIS_SLAVE_SERVICE_HOST", .servers, "The replicas' Service.", default: "redis-slave"),
        Variable("REDIS_SLAVE_SERVICE_PORT", .servers, "The replicas' port.", .number(1...65535), default: "6379"),

        // How it speaks to them.
        Variable("REDIS_USER", .connections, "The user of the password.", default: .described("Redis's default user")),
        Variable("REDIS_PASSWORD", .connections, "The password of the servers.", .secret),
        Variable(
            "REDIS_PASSWORD_FILE", .connections,
            "A file that holds the password of the servers; or give the password itself in REDIS_PASSWORD."),
        Variable(
            "REDIS_DATABASE", .connections, "The number of the database, as in SELECT.", .number(0...2_147_483_647),
            default: "0"),
        Variable(
            "REDIS_CONNECTION_MAX_AGE_SECONDS", .connections,
            "How old a connection to a replica gets before a new one takes its place; 0 for ever.",
            .number(0...604_800), default: "300"),
        Variable(
            "REDIS_MAX_IN_FLIGHT", .connections, "Commands that may wait for a server, each event loop by itself.",
            .number(1...1_000_000), default: "16384"),
        Variable(
            "REDIS_MAX_LARGE_READS", .connections,
            "Values over 1 MiB that are read at a time, each over a connection of its own; further ones wait.",
            .number(1...4096), default: "32"),

        Variable("REDIS_TLS_ENABLED", .tls, "Speak TLS to every server.", .yesOrNo, default: "no"),
        Variable("REDIS_TLS_CA_FILE", .tls, "The authorities, in PEM, that may have signed the servers' certificates."),
        Variable("REDIS_TLS_CERT_FILE", .tls, "The client's certificate, in PEM, where servers ask for one."),
        Variable("REDIS_TLS_KEY_FILE", .tls, "The key of the client's certificate, in PEM."),
        Variable(
            "REDIS_TLS_SERVER_NAME", .tls, "The name that certificates are checked for.",
            default: .described("the configured host")),
        Variable(
            "REDIS_TLS_VERIFY", .tls, "full: check a certificate and its name; ca: not its name.",
            .choice(["full", "ca"]), default: "full"),

        Variable(
            "LOG_FORMAT", .log, "The form of the log on stderr: an object a line, or words.",
            .choice(["json", "text"]),
            default: .described("json, but text on a terminal")),
        Variable(
            "LOG_LEVEL", .log, "The least that is logged.",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info"),
        Variable(
            "ACCESS_LOG_SAMPLE", .log,
            "Of so many answers one is logged; 0 for none. Those that failed (5xx) are logged all the same.",
            .number(0...1_000_000),
            default: "0"),

        Variable(
            "DRAIN_DELAY_SECONDS", .shutdown,
            "How long requests are still taken after SIGTERM, while /readyz already says no and every answer closes its "
                + "connection. SIGINT, or a second SIGTERM, ends it.", .number(0...300), default: "5"),
        Variable(
            "DRAIN_TIMEOUT_SECONDS", .shutdown,
            "How long what is under way may take after that, before it is closed as it is.", .number(0...3600),
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
