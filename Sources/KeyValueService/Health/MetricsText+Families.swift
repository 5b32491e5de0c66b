import NIOCore
import RedisClient
import Telemetry

extension MetricsText {
    mutating func add(_ statistics: LoopStatistics) {
        begin("kvapp_build_info", .gauge, "The version of the program; always 1.")
        add([("version", ServiceVersion.current)], 1)
        addRequests(statistics)
        add(statistics.memory)
        addCommands(statistics.redis)
        addServers(statistics.redis.servers.sorted { $0.endpoint.description < $1.endpoint.description })
        addParts(statistics.redis)
    }

    private mutating func addRequests(_ statistics: LoopStatistics) {
        begin(
            "kvapp_http_requests_total", .counter,
            "Requests answered, by route, method and status; other: no route takes it.")
        statistics.requests.forEachAnswer { route, method, status, count in
            add(
                [
                    ("route", "\(route.pattern)"), ("method", "\(method.name)"), ("status", "\(status.rawValue)"),
                ], count)
        }
        begin(
            "kvapp_http_request_duration_seconds", .histogram,
            """
            From the event loop's turn that read a request's head to the turn that answered it, by route and by the role \
            of the Redis server that was asked last.
            """)
        statistics.requests.forEachDuration { route, role, histogram in
            add([("route", "\(route.pattern)"), ("role", "\(role)")], histogram)
        }
        begin("kvapp_http_requests_in_flight", .gauge, "Requests that wait for their answers, this one included.")
        add(statistics.requestsInFlight)
        begin("kvapp_http_connections", .gauge, "Open connections of clients.")
        add(statistics.connections)
        begin("kvapp_http_connections_limit", .gauge, "How many of them are served; see MAX_CONNECTIONS.")
        add(statistics.places.limit)
        begin(
            "kvapp_http_connections_refused_total", .counter,
            "Connections above that, which were for a probe alone and got 503 too-many-connections for anything else.")
        add(statistics.places.refusals)
    }

    private mutating func add(_ memory: LoopStatistics.Memory) {
        begin(
            "kvapp_client_memory_bytes", .gauge,
            "Memory in use for clients: bodies, replies that wait for their turn, and answers that are not taken yet.")
        add(memory.usedBytes)
        begin("kvapp_client_memory_limit_bytes", .gauge, "Memory limit for clients; see MEMORY_BUDGET_MIB.")
        add(memory.limitBytes)
        begin(
            "kvapp_overload_refusals_total", .counter, "Requests answered 503 overloaded because memory was short.")
        add(memory.refusals)
        begin(
            "kvapp_slow_connections_ended_total", .counter,
            "Connections that were closed because memory was short and their clients were the slowest.")
        add(memory.endedConnections)
    }

    private mutating func addCommands(_ redis: RedisStatistics) {
        begin(
            "kvapp_redis_command_duration_seconds", .histogram,
            """
            From the event loop's turn that sent commands to Redis to the turn that read their last reply; what a request \
            sends at once counts once, as do a shared INFO and a health check.
            """)
        for role in [AskedRole.master, .replica] {
            add([("role", "\(role)")], redis.durations[Int(role.rawValue)])
        }
        begin(
            "kvapp_redis_waiting_writes", .gauge,
            "Writes that were surely not applied and wait for the master to come back.")
        add(redis.waitingWrites)
        let pool = redis.acknowledgedWrites
        begin(
            "kvapp_redis_acknowledged_write_connections", .gauge,
            "Connections to the master for writes that wait for replicas, by state.")
        add([("state", "busy")], pool.busy)
        add([("state", "idle")], max(0, pool.open - pool.busy))
        begin(
            "kvapp_redis_acknowledged_writes_queued", .gauge,
            "Writes that are to wait for replicas, and wait for one of these connections.")
        add(pool.queued)
    }

    private mutating func addServers(_ servers: [RedisStatistics.Server]) {
        begin("kvapp_redis_connects_total", .counter, "Connections that became ready, of all event loops.")
        for server in servers { add(server.labels, server.connects) }
        begin("kvapp_redis_reconnects_total", .counter, "Those of them that replaced a connection that had ended.")
        for server in servers { add(server.labels, server.reconnects) }
        begin(
            "kvapp_redis_failures_total", .counter,
            """
            What went wrong with a server: a connect failed (connect), a handshake was refused (refused) or refused for \
            its credentials (denied), a connection ended (lost), a command was not answered in time (timeout), a reply \
            could not be read (unreadable), the master refused a write since it is a replica (read_only), has no memory (out_of_memory) or cannot \
            save (cannot_save), too many commands waited (overloaded).
            """)
        for server in servers {
            for (trouble, count) in zip(RedisTrouble.allCases, server.failures) {
                add(server.labels + [("reason", "\(trouble.label)")], count)
            }
        }
        begin("kvapp_redis_in_flight", .gauge, "Commands that wait for their replies.")
        for server in servers { add(server.labels, server.inFlight) }
        addLag(servers)
    }

    private mutating func addLag(_ servers: [RedisStatistics.Server]) {
        begin(
            "kvapp_redis_replica_lag_bytes", .gauge,
            """
            Of what the master had written at its last health check before the replica's, what the replica had not \
            applied; absent while one of them cannot be asked or they do not share a history.
            """)
        for server in servers { if let bytes = server.lag?.bytes { add(server.labels, Int(bytes)) } }
        begin(
            "kvapp_redis_replica_lag_seconds", .gauge,
            """
            0 while kvapp_redis_replica_lag_bytes is 0, else the seconds since a health check last found it so, or since \
            the program knows the replica where none did.
            """)
        let now = NIODeadline.now()
        for server in servers {
            if let lag = server.lag { add(server.labels, Double(lag.nanoseconds(at: now)) / 1e9) }
        }
    }

    private mutating func addParts(_ redis: RedisStatistics) {
        begin(
            "kvapp_redis_up", .gauge,
            "1 while every event loop has a connection to the server that takes commands in this role, else 0.")
        for part in redis.parts {
            add([("endpoint", part.endpoint.description), ("role", "\(part.role)")], part.isUp ? 1 : 0)
        }
        begin(
            "kvapp_redis_excluded", .gauge,
            """
            1 while a server is left out of reads for what it holds: it is a master beside the one in use (stray_master), one \
            of several that claim to be it (rival), follows another one (another_history), or lost its data in a full copy \
            (emptied); absent else.
            """)
        for part in redis.parts {
            guard let reason = part.exclusion else { continue }
            add([("endpoint", part.endpoint.description), ("reason", reason)], 1)
        }
        begin(
            "kvapp_redis_master_changes_total", .counter, "How often another server became the one that writes go to.")
        add(redis.masterChanges)
        begin(
            "kvapp_redis_masters", .gauge,
            """
            Servers that say they are the master, wherever they were met: behind the master's name, by the headless name, or among \
            the replicas. Above 1 an operator has to act; writes are refused where it is not certain which one is meant.
            """
        )
        add(redis.masters)
        if let sentinel = redis.sentinel { add(sentinel) }
    }

    private mutating func add(_ report: SentinelReport) {
        begin("kvapp_sentinel_up", .gauge, "1 while the Sentinel answers and names a master, else 0.")
        for sentinel in report.sentinels {
            add([("endpoint", sentinel.endpoint.description)], sentinel.isAnswering ? 1 : 0)
        }
        begin(
            "kvapp_sentinel_epoch", .gauge,
            "The config-epoch of the master that the Sentinels named last; it grows with every fail-over.")
        add(Int(clamping: report.epoch ?? 0))
        begin(
            "kvapp_sentinel_failing_over", .gauge,
            "1 while a Sentinel makes another server the master, and writes wait for it.")
        add(report.isFailingOver ? 1 : 0)
    }
}

extension RedisStatistics.Server {
    fileprivate var labels: [MetricsText.Label] { [("endpoint", endpoint.description)] }
}

/// Which version of the service this is.
public enum ServiceVersion {
    public static let current = "0.1.0"
}
