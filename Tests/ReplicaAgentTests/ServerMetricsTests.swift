import NIOCore
import Telemetry
import Testing

@testable import ReplicaAgent

@Suite("Metrics of what a server says")
struct ServerMetricsTests {
    /// The samples, without comments.
    private func samples(_ sections: String) throws -> [String] {
        let text = "# Replication\r\nrole:master\r\n\r\n" + sections.replacing("\n", with: "\r\n")
        let report = try #require(ServerReport(Array(text.utf8)))
        var metrics = MetricsText()
        metrics.add(report)
        return String(buffer: metrics.buffer).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    @Test("keys whose items expire, as Redis 8 and Valkey 9 say it, have redis_exporter's name")
    func expiringItems() throws {
        for line in [
            "db0:keys=2,expires=1,avg_ttl=0,keys_with_volatile_items=7", "db0:keys=2,expires=1,avg_ttl=0,subexpiry=7",
        ] {
            let samples = try samples("# Keyspace\n\(line)\n")
            #expect(samples.contains(#"redis_db_keys_with_expiring_items{db="db0"} 7"#), "\(samples)")
            #expect(samples.contains(#"redis_db_keys{db="db0"} 2"#))
        }
        let older = try samples("# Keyspace\ndb0:keys=2,expires=1,avg_ttl=0\n")
        #expect(!older.contains { $0.hasPrefix("redis_db_keys_with_expiring_items") })
    }

    @Test(
        "a damaged line is left out whole",
        arguments: [
            "cmdstat_x:calls=1,usec=", "cmdstat_x:calls=1", "cmdstat_x:usec=1", "cmdstat_x:calls=1,usec=abc",
            "cmdstat_x:calls=1,usec=2,usec_per_call=2,rejected_calls=0",
            "cmdstat_x:calls=1,usec=2,usec_per_call=2,rejected_calls=x,failed_calls=0",
            "cmdstat_x:calls=1,usec=2,calls=3", "cmdstat_x:calls=1,usec=2,", "cmdstat_x:", "cmdstat_x:calls=nan,usec=2",
            "cmdstat_x:calls=1,usec=2,slowlog_count=1", "cmdstat_x:calls=1e999,usec=2", "cmdstat_x:calls=1,usec=2,junk",
        ])
    func damagedCommand(line: String) throws {
        let samples = try samples(
            "# Commandstats\n\(line)\ncmdstat_get:calls=5,usec=10\n\n# Latencystats\nlatency_percentiles_usec_x:p50=1\n"
        )
        #expect(!samples.contains { $0.contains("\"x\"") }, "\(samples)")
        #expect(samples.contains(#"redis_commands_total{cmd="get"} 5"#))
    }

    @Test("a line that comes twice is one sample, as Prometheus wants it")
    func twice() throws {
        let samples = try samples(
            """
            # Commandstats
            cmdstat_get:calls=5,usec=10
            cmdstat_get:calls=6,usec=10

            # Latencystats
            latency_percentiles_usec_get:p50=1,p99=2
            latency_percentiles_usec_get:p50=1,p99=2

            # CPU
            used_active_time_io_thread_1:0.5
            used_active_time_io_thread_1:0.6

            # Keyspace
            db0:keys=1,expires=0
            db0:keys=2,expires=0
            dbx:keys=2,expires=0
            db1:keys=z,expires=0
            db2:keys=1

            """)
        let names = samples.map { $0.prefix { $0 != " " } }
        #expect(Set(names).count == names.count, "\(samples)")
        #expect(samples.contains(#"redis_db_keys{db="db0"} 1"#))
        for damaged in ["dbx", "db1", "db2"] { #expect(!samples.contains { $0.contains(damaged) }, "\(samples)") }
    }

    @Test("the slow log's share of a command, and damaged percentiles")
    func slowLog() throws {
        let slow = "slowlog_count=3,slowlog_time_ms_sum=1500,slowlog_time_ms_max=1000"
        let samples = try samples(
            """
            # Commandstats
            cmdstat_get:calls=5,usec=10,usec_per_call=2,rejected_calls=0,failed_calls=1,\(slow)

            # Latencystats
            latency_percentiles_usec_get:p50=1,p99=x

            """)
        for sample in [
            #"redis_commands_slowlog_total{cmd="get"} 3"#,
            #"redis_commands_slowlog_duration_seconds_total{cmd="get"} 1.5"#,
            #"redis_commands_slowlog_duration_seconds_max{cmd="get"} 1.0"#,
            #"redis_commands_failed_calls_total{cmd="get"} 1"#,
        ] { #expect(samples.contains(sample), "\(samples)") }
        #expect(!samples.contains { $0.hasPrefix("redis_latency_percentiles") })
    }

    /// With one comparison for each pair of lines none of these ended within a minute.
    @Test("a report of very many lines gives samples up to a bound, and those of 10,000 databases all")
    func manyLines() throws {
        func count(_ prefix: String, in sections: String) throws -> Int {
            try samples(sections).count { $0.hasPrefix(prefix + "{") }
        }
        func lines(_ count: Int, _ line: (Int) -> String) -> String { (0..<count).map { line($0) + "\n" }.joined() }
        let databases = "# Keyspace\n" + lines(10_000) { "db\($0):keys=1,expires=0,avg_ttl=0" }
        #expect(try count("redis_db_keys", in: databases) == 10_000)
        let more = "# Keyspace\n" + lines(40_000) { "db\($0):keys=1,expires=0" }
        #expect(try count("redis_db_keys", in: more) == 16_384)
        let errors = "# Errorstats\n" + lines(60_000) { "errorstat_E\($0):count=1" }
        #expect(try count("redis_errors_total", in: errors) == 4096)
        let commands = "# Commandstats\n" + lines(30_000) { "cmdstat_c\($0):calls=1,usec=2" }
        #expect(try count("redis_commands_total", in: commands) == 4096)
        let threads = "# Threads\n" + lines(30_000) { "used_active_time_io_thread_\($0):1" }
        #expect(try count("redis_active_time_io_thread_seconds_total", in: threads) == 4096)
        let long = "# Errorstats\nerrorstat_\(String(repeating: "E", count: 5000)):count=1\nerrorstat_A:count=1\n"
        #expect(try count("redis_errors_total", in: long) == 1)
    }

    @Test("a master that lists very many replicas is shown with as many as there may be")
    func manyReplicas() throws {
        let replicas = (0..<20_000).map { "slave\($0):ip=a\($0),port=1,state=online,offset=1,lag=0\r\n" }.joined()
        let text = "# Replication\r\nrole:master\r\n\(replicas)\r\n\(String(repeating: "a:\r\n", count: 200_000))"
        let report = try #require(ServerReport(Array(text.utf8)))
        #expect(report.lines.count <= 1 << 16)
        var metrics = MetricsText()
        metrics.add(report)
        let samples = String(buffer: metrics.buffer).split(separator: "\n")
        #expect(samples.count { $0.hasPrefix("redis_connected_slave_lag_seconds{") } == 4096)
    }
}
