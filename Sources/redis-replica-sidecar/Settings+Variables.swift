import Settings

extension Variable.Group {
    static let listening = Variable.Group("Listening")
    static let server = Variable.Group("The server beside it")
    static let deciding = Variable.Group("Deciding")
    static let readiness = Variable.Group("Readiness")
    static let secrets = Variable.Group("Secrets")
    static let log = Variable.Group("Log")

    static let all = [listening, server, deciding, readiness, secrets, log]
}

extension VariableList {
    /// The sidecar's own. Where the server and its master are, and what they ask for, it reads as redis-replica-init does.
    static let sidecar = VariableList([
        Variable("SIDECAR_HOST", .listening, "Where to listen.", default: .described("all interfaces")),
        Variable(
            "SIDECAR_PORT", .listening, "The port; with 0 the kernel chooses one.", .number(0...65535), default: "9121"),

        Variable(
            "SIDECAR_REDIS", .server,
            "The server to watch: an address and a port, or the path of a Unix socket.",
            default: .described("what the environment of redis-replica-init makes of it")),

        Variable(
            "SIDECAR_DRY_RUN", .deciding, "Say what would be done, and do nothing.", .yesOrNo, default: "no"),
        Variable(
            "SIDECAR_ON_LOSS", .deciding,
            "Where another master is empty or behind: hold and wait for a confirmation, or follow it with a warning.",
            .choice(["hold", "follow"]), default: "hold"),
        Variable(
            "SIDECAR_STABLE_MILLISECONDS", .deciding,
            "How long another master has to be seen, and the same one, before it is followed.", .number(0...600_000),
            default: "750"),
        Variable(
            "SIDECAR_MIN_INTERVAL_SECONDS", .deciding, "From one change of master to the next, at least.",
            .number(0...86_400), default: "30"),
        Variable(
            "SIDECAR_MAX_SILENCE_SECONDS", .deciding,
            "How long a link that is up may bring nothing, while the master answers others, before it is made anew. A master "
                + "that has nothing to say pings every repl-ping-replica-period, 10 s.", .number(1...86_400),
            default: "15"),

        Variable(
            "SIDECAR_REQUIRE_LINK", .readiness, "A replica whose link to its master is down is not ready.", .yesOrNo,
            default: "no"),
        Variable(
            "SIDECAR_MAX_LAG_BYTES", .readiness, "The most bytes of the master's stream that a ready replica may lack.",
            .number(0...Int(Int64.max)), default: .described("no bound")),
        Variable(
            "SIDECAR_MAX_LAG_SECONDS", .readiness,
            "A ready replica lacks no write that is older than this, in seconds.", .number(2...3600),
            default: .described("no bound")),

        Variable(
            "SIDECAR_PASSWORD_OVERLAP_SECONDS", .secrets,
            "How long an old password is accepted beside a new one.", .number(0...86_400), default: "300"),

        Variable(
            "LOG_FORMAT", .log, "The form of the log on stderr: an object a line, or words.",
            .choice(["json", "text"]), default: .described("json, but text on a terminal")),
        Variable(
            "LOG_LEVEL", .log, "The least that is logged.",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info"),
    ])
}
