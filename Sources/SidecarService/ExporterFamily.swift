import ReplicaSidecar
import Telemetry

/// A line of INFO as a metric, by the name that redis_exporter gives it (oliver006/redis_exporter `exporter/exporter.go`), so that
/// dashboards and alerts for that work here.
struct ExporterFamily {
    let field: String
    let name: StaticString
    let help: StaticString

    private init(_ field: String, _ name: StaticString, _ help: StaticString) {
        self.field = field
        self.name = name
        self.help = help
    }

    /// A number, or ok and err as 1 and 0.
    func value(in fields: [String: String]) -> Int? {
        guard let text = fields[field] else { return nil }
        return switch text {
        case "ok": 1
        case "err", "fail": 0
        default: Int(text)
        }
    }

    static let all = [
        ExporterFamily("uptime_in_seconds", "redis_uptime_in_seconds", "Seconds since the server started."),
        ExporterFamily("loading", "redis_loading_dump_file", "Whether the server reads its data."),
        ExporterFamily("connected_slaves", "redis_connected_slaves", "Replicas that are attached to the server."),
        ExporterFamily(
            "master_repl_offset", "redis_master_repl_offset", "Bytes of replication stream, written or applied."),
        ExporterFamily(
            "second_repl_offset", "redis_second_repl_offset", "First byte that is not of the history before; -1: none."),
        ExporterFamily(
            "repl_backlog_active", "redis_repl_backlog_is_active", "Whether there is a replication backlog."),
        ExporterFamily("repl_backlog_size", "redis_replication_backlog_bytes", "Room of the replication backlog."),
        ExporterFamily(
            "repl_backlog_first_byte_offset", "redis_repl_backlog_first_byte_offset",
            "Offset of the oldest byte in the backlog."),
        ExporterFamily("repl_backlog_histlen", "redis_repl_backlog_history_bytes", "Bytes in the replication backlog."),
        ExporterFamily("slave_priority", "redis_slave_priority", "The replica's priority for Sentinel."),
        ExporterFamily(
            "rdb_changes_since_last_save", "redis_rdb_changes_since_last_save", "Writes since the last snapshot."),
        ExporterFamily(
            "rdb_bgsave_in_progress", "redis_rdb_bgsave_in_progress", "Whether a snapshot is being written."),
        ExporterFamily(
            "rdb_last_save_time", "redis_rdb_last_save_timestamp_seconds", "When the last snapshot was written."),
        ExporterFamily(
            "rdb_last_bgsave_status", "redis_rdb_last_bgsave_status", "Whether the last snapshot went well."),
        ExporterFamily("aof_enabled", "redis_aof_enabled", "Whether there is an append-only file."),
        ExporterFamily("aof_rewrite_in_progress", "redis_aof_rewrite_in_progress", "Whether it is being rewritten."),
        ExporterFamily("aof_current_size", "redis_aof_current_size_bytes", "Bytes of the append-only file."),
        ExporterFamily("aof_base_size", "redis_aof_base_size_bytes", "The same after the last rewrite."),
        ExporterFamily(
            "aof_last_bgrewrite_status", "redis_aof_last_bgrewrite_status", "Whether the last rewrite went well."),
        ExporterFamily(
            "aof_last_write_status", "redis_aof_last_write_status", "Whether the last write to it went well."),
    ]
}
