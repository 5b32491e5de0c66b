import Settings

extension Variable.Group {
    static let listening = Variable.Group("Listening")
    static let server = Variable.Group("Local server")
    static let deciding = Variable.Group("Deciding")
    static let sentinel = Variable.Group("Sentinel")
    static let readiness = Variable.Group("Readiness")
    static let secrets = Variable.Group("Secrets")
    static let failover = Variable.Group("Fail-over")
    static let leaseStore = Variable.Group("Lease store")
    static let supervising = Variable.Group("Supervising")
    static let log = Variable.Group("Log")

    static let all = [listening, server, deciding, sentinel, readiness, secrets, log]
}

extension VariableList {
    /// The sidecar's own. Where the server and its master are, and what they ask for, it reads as redis-replica-init does.
    static let sidecar = VariableList([
        Variable("SIDECAR_HOST", .listening, "Where to listen.", default: .described("all interfaces")),
        Variable(
            "SIDECAR_PORT", .listening, "The port; 0: the kernel chooses one.", .number(0...65535), default: "9121"),
        Variable(
            "SIDECAR_SOCKET", .listening,
            "The Unix socket through which redis-replica-sidecar confirm reaches the running sidecar.",
            default: .described("sidecar.sock beside REDIS_MASTER_RECORD_FILE")),
        Variable(
            "SIDECAR_TOKEN_FILE", .listening,
            "A file with the token for POST /v1/confirm over TCP, 16 bytes or more. With it, /status and /readyz show "
                + "addresses only to clients that send it.",
            default: .described("none, and over TCP nothing is confirmed")),
        Variable(
            "SIDECAR_ALLOWED_HOSTS", .listening,
            "More host names that clients may use, as sidecar.example.com,…, where it listens on loopback without a "
                + "token; * for all.", default: .described("localhost and its address")),

        Variable(
            "SIDECAR_REDIS", .server,
            "The server to observe: an address and a port, or the path of a Unix socket.",
            default: .described("what the environment of redis-replica-init makes of it")),

        Variable(
            "SIDECAR_DRY_RUN", .deciding, "Report what it would do, and do nothing.", .yesOrNo, default: "no"),
        Variable(
            "SIDECAR_ON_LOSS", .deciding,
            "If another master is empty or behind: hold (wait for a confirmation), or follow it with a warning.",
            .choice(["hold", "follow"]), default: "hold"),
        Variable(
            "SIDECAR_STABLE_MILLISECONDS", .deciding,
            "How long the same other master must be seen before it is followed.", .number(0...600_000),
            default: "750"),
        Variable(
            "SIDECAR_MIN_INTERVAL_SECONDS", .deciding, "Minimum time between two changes of master.",
            .number(0...86_400), default: "30"),
        Variable(
            "SIDECAR_MAX_SILENCE_SECONDS", .deciding,
            "How long a link that is up may be silent while the master answers others; then it is closed and made again. An "
                + "idle master pings every repl-ping-replica-period, 10 s.", .number(1...86_400),
            default: "15"),

        Variable(
            "REDIS_SENTINEL_HOST", .sentinel,
            "Sentinels that decide who the master is: HOST[:PORT],…, an IPv6 address in brackets. A name with several "
                + "addresses is several Sentinels.",
            default: .described("none: the environment decides")),
        Variable(
            "REDIS_SENTINEL_PORT_NUMBER", .sentinel, "The port of those without one.", .number(1...65535),
            default: "26379"),
        Variable(
            "REDIS_SENTINEL_MASTER_NAME", .sentinel, "The name of the master in Sentinel.", default: "mymaster"),
        Variable("REDIS_SENTINEL_USERNAME", .sentinel, "The user at the Sentinels, where they ask for one."),
        Variable(
            "REDIS_SENTINEL_PASSWORD", .sentinel, "The password at the Sentinels; not visible to other users.", .secret),
        Variable("REDIS_SENTINEL_PASSWORD_FILE", .sentinel, "A file with the password at the Sentinels."),
        Variable(
            "REDIS_SENTINEL_TLS", .sentinel, "The Sentinels speak TLS; with the certificates of the servers.", .yesOrNo,
            default: "no"),

        Variable(
            "SIDECAR_REQUIRE_LINK", .readiness, "A replica whose link to its master is down is not ready.", .yesOrNo,
            default: "no"),
        Variable(
            "SIDECAR_MAX_LAG_BYTES", .readiness, "Maximum bytes of the master's stream that a ready replica may lack.",
            .number(0...Int(Int64.max)), default: .described("no bound")),
        Variable(
            "SIDECAR_MAX_LAG_SECONDS", .readiness,
            "Maximum age, in seconds, of a write that a ready replica lacks.", .number(2...3600),
            default: .described("no bound")),

        Variable(
            "SIDECAR_PASSWORD_OVERLAP_SECONDS", .secrets,
            "How long an old password is accepted beside a new one.", .number(0...86_400), default: "300"),

        Variable(
            "LOG_FORMAT", .log, "The form of the log on stderr: JSON objects, or text.",
            .choice(["json", "text"]), default: .described("json, but text on a terminal")),
        Variable(
            "LOG_LEVEL", .log, "Minimum log level.",
            .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info"),
    ])

    /// Where the orders of a person go.
    static let failoverSocket = Variable(
        "FAILOVER_SOCKET", .failover,
        "The Unix socket through which status, switchover, failover, pause and resume reach the agent.",
        default: .described("failover.sock beside REDIS_MASTER_RECORD_FILE"))

    /// Those of `supervise`.
    static let supervisor = VariableList([
        Variable(
            "SUPERVISE_INIT", .supervising, "The path of redis-replica-init, which becomes redis-server.",
            default: .described("redis-replica-init beside this program, else on the PATH")),
        Variable(
            "SUPERVISE_STOP_SECONDS", .supervising,
            "How long redis-server may take to end after SIGTERM before it is killed. Shorter than the pod's "
                + "terminationGracePeriodSeconds.", .number(1...3600), default: "25"),
        Variable(
            "SUPERVISE_SILENCE_MILLISECONDS", .supervising,
            "How long this process may be frozen before the dead-man process kills redis-server. At most 0.7 of the lease; "
                + "with a lease, the default is 0.6 of it.",
            .number(100...60_000), default: "3000"),

        Variable(
            "FAILOVER_STORE", .failover,
            "Where the lease is kept that says which node leads; none: no fail-over, redis-server is only supervised.",
            .choice(["kubernetes", "etcd", "none"]), default: "none"),
        Variable(
            "FAILOVER_NODES", .failover,
            "All nodes, this one among them, as redis-0=redis-0.redis-nodes:6379,…; without NAME= a node has the first part "
                + "of its host's name.", default: .described("none; needed with a lease store")),
        Variable(
            "FAILOVER_NODE", .failover, "This node's name in FAILOVER_NODES.", default: .described("HOSTNAME")),
        Variable(
            "POD_UID", .failover, "The pod's UID: with the node's name it is the holder's identity.",
            default: .described("a random one for each start")),
        Variable(
            "FAILOVER_WRITE_QUORUM", .failover,
            "On how many nodes, the leader among them, an acknowledged write has to be so that no fail-over loses it (WAIT).",
            .number(1...9), default: .described("more than half of the nodes")),
        Variable(
            "FAILOVER_LEASE_SECONDS", .failover,
            "How long a leader may take writes after its last renewal.", .number(2...300), default: "5"),
        Variable("FAILOVER_PRIORITY", .failover, "0: this node never leads.", .number(0...100), default: "100"),
        failoverSocket,
        Variable(
            "FAILOVER_LEASE_NAME", .leaseStore, "Kubernetes: the name of the Lease; one for each installation.",
            default: "redis-master"),
        Variable(
            "POD_NAMESPACE", .leaseStore, "Kubernetes: the namespace of the Lease.",
            default: .described("the service account's")),
        Variable(
            "FAILOVER_SERVICE", .leaseStore,
            "Kubernetes: a Service without selector; the leader has it lead to itself, by an EndpointSlice.",
            default: .described("none: no address is written")),
        Variable(
            "POD_IPS", .leaseStore, "Kubernetes: this pod's addresses, from status.podIPs; for FAILOVER_SERVICE.",
            default: .described("POD_IP")),
        Variable(
            "ETCD_ENDPOINTS", .leaseStore, "etcd: where it is, as https://etcd-0.example:2379,…; tried in turn.",
            default: .described("none; needed with etcd")),
        Variable(
            "ETCD_LEASE_KEY", .leaseStore, "etcd: the key of the lease; one for each installation.",
            default: "/redis-replica-kit/redis-master"),
        Variable("ETCD_USER", .leaseStore, "etcd: the user, where it asks for one."),
        Variable("ETCD_PASSWORD", .leaseStore, "etcd: the user's password; not visible to other users.", .secret),
        Variable("ETCD_PASSWORD_FILE", .leaseStore, "etcd: a file with the user's password."),
        Variable("ETCD_CA_FILE", .leaseStore, "etcd: the authorities that may have signed its certificate, in PEM."),
        Variable("ETCD_CERTIFICATE_FILE", .leaseStore, "etcd: this node's certificate, in PEM."),
        Variable("ETCD_KEY_FILE", .leaseStore, "etcd: its private key, in PEM."),

        Variable(
            "SIDECAR_HOST", .listening, "Where to listen, with a lease store.", default: .described("all interfaces")),
        sidecar["SIDECAR_PORT"], sidecar["SIDECAR_ALLOWED_HOSTS"], sidecar["SIDECAR_PASSWORD_OVERLAP_SECONDS"],
        sidecar["LOG_FORMAT"], sidecar["LOG_LEVEL"],
    ])
}
