import Glibc
import RedisCore
import ReplicaReconciler
import Telemetry

/// What redis_exporter makes of a server's INFO (oliver006/redis_exporter `exporter/info.go`), under the same names, with
/// the same labels and types.
extension MetricsText {
    /// Samples of a family at the most, but for databases: no server has so many commands, errors or threads.
    private static let maximumSamples = 4096
    private static let maximumDatabases = 1 << 14

    mutating func add(_ report: ServerReport) {
        addInstance(report)
        for family in ExporterFamily.all {
            guard let number = report.number(family.field) else { continue }
            begin(family.name, family.kind, help: family.help)
            add(number: number)
        }
        if let fork = report.number("latest_fork_usec") {
            begin("redis_latest_fork_seconds", .gauge, "How long the last fork took.")
            add(fork.value / 1e6)
        }
        addThreads(report)
        addReplication(report)
        addCommands(report.lines(of: "Commandstats"), latencies: report.lines(of: "Latencystats"))
        addErrors(report.lines(of: "Errorstats"))
        addDatabases(report.lines(of: "Keyspace"))
    }

    private mutating func addInstance(_ report: ServerReport) {
        let server = report.information
        var labels: [Label] = [
            ("role", server.replication.role == .master ? "master" : "slave"),
            ("redis_version", report.value("redis_version") ?? server.version),
            ("redis_build_id", report.value("redis_build_id") ?? ""),
            (
                "redis_mode",
                report.value("redis_mode") ?? report.value("server_mode") ?? report.value("redict_mode") ?? ""
            ),
            ("os", report.value("os") ?? ""), ("maxmemory_policy", report.value("maxmemory_policy") ?? ""),
            ("tcp_port", report.value("tcp_port") ?? ""), ("run_id", server.runID),
            ("process_id", report.value("process_id") ?? ""), ("master_replid", server.replication.replicationID),
        ]
        if let version = report.value("valkey_version") { labels.append(("valkey_version", version)) }
        if let stage = report.value("valkey_release_stage") { labels.append(("valkey_release_stage", stage)) }
        begin("redis_instance_info", .gauge, "The local server: version, role and more; always 1.")
        add(labels, 1)
        guard let uptime = report.number("uptime_in_seconds") else { return }
        begin("redis_start_time_seconds", .gauge, "When the server started, in seconds since 1970.")
        add(Double(time(nil)) - uptime.value)
    }

    private mutating func addThreads(_ report: ServerReport) {
        let prefix = "used_active_time_io_thread_"
        var threads: [(name: String, seconds: MetricsNumber)] = []
        var names: Set<String> = []
        for line in report.lines where line.name.hasPrefix(prefix) && names.count < Self.maximumSamples {
            let name = String(line.name.dropFirst(prefix.count))
            guard let seconds = MetricsNumber(line.value), names.insert(name).inserted else { continue }
            threads.append((name, seconds))
        }
        guard !threads.isEmpty else { return }
        begin(
            "redis_active_time_io_thread_seconds_total", .counter, "Seconds that a thread for input and output worked.")
        for thread in threads { add([("thread", thread.name)], number: thread.seconds) }
    }

    private mutating func addReplication(_ report: ServerReport) {
        let replication = report.information.replication
        if let link = replication.masterLink { add(link, readOnly: report.value("slave_read_only") ?? "") }
        func labels(_ replica: ReplicationInfo.AttachedReplica) -> [Label] {
            [("slave_ip", replica.address), ("slave_port", "\(replica.port)"), ("slave_state", replica.state)]
        }
        // A replica that is attached with two connections is listed twice.
        var known: Set<[String]> = []
        let replicas = replication.replicas.filter { known.insert(labels($0).map(\.value)).inserted }
        begin("redis_connected_slave_offset_bytes", .gauge, "Bytes that an attached replica has acknowledged.")
        for replica in replicas { add(labels(replica), Int(replica.offset)) }
        begin("redis_connected_slave_lag_seconds", .gauge, "Seconds since an attached replica's acknowledgement.")
        for replica in replicas { add(labels(replica), Int(replica.lagSeconds)) }
    }

    private mutating func add(_ link: ReplicationInfo.MasterLink, readOnly: String) {
        let labels: [Label] = [("master_host", link.host), ("master_port", "\(link.port)")]
        begin("redis_slave_info", .gauge, "The master that the replica follows; always 1.")
        add(labels + [("read_only", readOnly)], 1)
        begin("redis_master_link_up", .gauge, "Whether the link to the master is up.")
        add(labels, link.isUp ? 1 : 0)
        begin("redis_master_sync_in_progress", .gauge, "Whether a full synchronisation is under way.")
        add(labels, link.isSynchronising ? 1 : 0)
        begin("redis_master_last_io_seconds_ago", .gauge, "Seconds since the master was heard; -1: the link is down.")
        add(labels, link.silentSeconds.map { Int($0) } ?? -1)
        begin("redis_slave_repl_offset", .gauge, "Bytes of the master's stream that were applied.")
        add(labels, Int(link.appliedOffset))
    }

    /// A family whose samples come from one field of many lines.
    private typealias LineFamily = (
        name: StaticString, kind: MetricsText.Kind, help: StaticString, field: String, scale: Double?
    )

    /// - Parameters:
    ///   - lines: `cmdstat_get:calls=21,usec=175,usec_per_call=8.33,rejected_calls=0,failed_calls=0`; the last two from 6.2 on.
    ///   - latencies: `latency_percentiles_usec_get:p50=0.001,p99=1.003,p99.9=4.015`, from 7.0 on.
    private mutating func addCommands(_ lines: [ServerReport.Line], latencies: [ServerReport.Line]) {
        let commands = Self.commands(lines)
        let families: [LineFamily] = [
            ("redis_commands_total", .counter, "Calls of a command.", "calls", nil),
            ("redis_commands_duration_seconds_total", .counter, "Seconds that a command has taken.", "usec", 1e6),
            ("redis_commands_rejected_calls_total", .counter, "Calls that were refused.", "rejected_calls", nil),
            ("redis_commands_failed_calls_total", .counter, "Calls that failed.", "failed_calls", nil),
            ("redis_commands_slowlog_total", .counter, "Calls that the slow log took.", "slowlog_count", nil),
            (
                "redis_commands_slowlog_duration_seconds_total", .counter, "Seconds of calls in the slow log.",
                "slowlog_time_ms_sum", 1e3
            ),
            (
                "redis_commands_slowlog_duration_seconds_max", .gauge, "Seconds of the slowest call in the slow log.",
                "slowlog_time_ms_max", 1e3
            ),
        ]
        add(families, label: "cmd", commands)
        addLatencies(latencies, of: Dictionary(commands) { first, _ in first })
    }

    /// Each command once, with the numbers of its line: all of them, or the line is left out.
    private static func commands(_ lines: [ServerReport.Line]) -> [(name: String, numbers: [String: MetricsNumber])] {
        let prefix = "cmdstat_"
        let extended = ["rejected_calls", "failed_calls"]
        let slow = ["slowlog_count", "slowlog_time_ms_sum", "slowlog_time_ms_max"]
        var names: Set<String> = []
        return lines.compactMap { line in
            guard line.name.hasPrefix(prefix), let numbers = line.numbers(["calls", "usec"] + extended + slow),
                numbers["calls"] != nil, numbers["usec"] != nil
            else { return nil }
            for group in [extended, slow] {
                let count = group.count { numbers[$0] != nil }
                guard count == 0 || count == group.count else { return nil }
            }
            let name = String(line.name.dropFirst(prefix.count))
            return names.count < maximumSamples && names.insert(name).inserted ? (name, numbers) : nil
        }
    }

    /// Families that have a sample for each line that has the field.
    private mutating func add(
        _ families: [LineFamily], label: StaticString, _ lines: [(name: String, numbers: [String: MetricsNumber])]
    ) {
        for family in families {
            let values = lines.compactMap { line in line.numbers[family.field].map { (line.name, $0) } }
            guard !values.isEmpty else { continue }
            begin(family.name, family.kind, family.help)
            for (name, number) in values {
                if let scale = family.scale {
                    add([(label, name)], number.value / scale)
                } else {
                    add([(label, name)], number: number)
                }
            }
        }
    }

    private mutating func addLatencies(
        _ lines: [ServerReport.Line], of commands: [String: [String: MetricsNumber]]
    ) {
        let prefix = "latency_percentiles_usec_"
        var known: [(name: String, quantiles: [(MetricsNumber, MetricsNumber)], numbers: [String: MetricsNumber])] = []
        var names: Set<String> = []
        for line in lines where line.name.hasPrefix(prefix) {
            let name = String(line.name.dropFirst(prefix.count))
            guard let numbers = commands[name], !names.contains(name), let quantiles = Self.quantiles(line.value) else {
                continue
            }
            names.insert(name)
            known.append((name, quantiles, numbers))
        }
        guard !known.isEmpty else { return }
        begin("redis_latency_percentiles_usec", .summary, "How long a command takes, in microseconds, by percentile.")
        for (name, quantiles, numbers) in known {
            guard let sum = numbers["usec"], let count = numbers["calls"] else { continue }
            add([("cmd", name)], quantiles: quantiles, sum: sum, count: count)
        }
    }

    /// The pairs of `p50=0.001,p99=1.003`; `nil` where one of them is damaged or comes twice.
    private static func quantiles(_ text: String) -> [(MetricsNumber, MetricsNumber)]? {
        var quantiles: [(MetricsNumber, MetricsNumber)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, words[0].first == "p", let quantile = MetricsNumber(words[0].dropFirst()),
                let value = MetricsNumber(words[1]), !quantiles.contains(where: { $0.0 == quantile })
            else { return nil }
            quantiles.append((quantile, value))
        }
        return quantiles
    }

    /// - Parameter lines: `errorstat_MISCONF:count=3`, from 6.2 on.
    private mutating func addErrors(_ lines: [ServerReport.Line]) {
        let prefix = "errorstat_"
        // The server writes `_` for some characters, so that several lines may have one name.
        var errors: [(name: String, count: Int)] = []
        var places: [String: Int] = [:]
        for line in lines where line.name.hasPrefix(prefix) {
            guard let count = line.number("count").flatMap({ Int(exactly: $0.value) }) else { continue }
            let name = String(line.name.dropFirst(prefix.count))
            if let index = places[name] {
                let (sum, overflow) = errors[index].count.addingReportingOverflow(count)
                errors[index].count = overflow ? .max : sum
            } else if errors.count < Self.maximumSamples {
                places[name] = errors.count
                errors.append((name, count))
            }
        }
        guard !errors.isEmpty else { return }
        begin("redis_errors_total", .counter, "Error replies, by their first word.")
        for error in errors { add([("err", error.name)], error.count) }
    }

    /// - Parameter lines: `db0:keys=2,expires=1,avg_ttl=999000`, further `subexpiry=1` from Redis 7.4 on or
    ///   `keys_with_volatile_items=1` from Valkey 9 on; none where there are no keys.
    private mutating func addDatabases(_ lines: [ServerReport.Line]) {
        let items = ["subexpiry", "keys_with_volatile_items"]
        var databases: [(name: String, numbers: [String: MetricsNumber])] = []
        var names: Set<String> = []
        for line in lines where line.name.hasPrefix("db") && Int(line.name.dropFirst(2)) != nil {
            guard
                var numbers = line.numbers(["keys", "expires", "avg_ttl", "cached_keys"] + items),
                numbers["keys"] != nil, numbers["expires"] != nil, names.count < Self.maximumDatabases,
                names.insert(line.name).inserted
            else { continue }
            numbers["items"] = items.lazy.compactMap { numbers[$0] }.first
            databases.append((line.name, numbers))
        }
        if !names.contains("db0") {
            databases.insert(("db0", ["keys": MetricsNumber(0), "expires": MetricsNumber(0)]), at: 0)
        }
        let families: [LineFamily] = [
            ("redis_db_keys", .gauge, "Keys of a database.", "keys", nil),
            ("redis_db_keys_expiring", .gauge, "Keys of a database that have a time to live.", "expires", nil),
            ("redis_db_keys_cached", .gauge, "Keys of a database that are cached.", "cached_keys", nil),
            (
                "redis_db_avg_ttl_seconds", .gauge, "Average time to live that is left, in seconds.", "avg_ttl",
                1e3
            ),
            (
                "redis_db_keys_with_expiring_items", .gauge,
                "Keys whose items expire one by one, as fields of a hash.",
                "items", nil
            ),
        ]
        add(families, label: "db", databases)
    }
}
