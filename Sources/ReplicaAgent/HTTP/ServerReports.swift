import RedisClient
package import Telemetry

/// Asks the server beside this process for all that redis_exporter asks for when it is scraped.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class ServerReports {
    /// What a server said at one time.
    package struct Report {
        fileprivate let server: ServerReport
        fileprivate let settings: [(name: String, value: MetricsNumber)]
    }

    /// Settings of the server that redis_exporter makes metrics of, by its names.
    private static let settings = [
        ("maxclients", "redis_config_maxclients"), ("maxmemory", "redis_config_maxmemory"),
        ("io-threads", "redis_config_io_threads"), ("repl-backlog-size", "redis_config_repl_backlog_size"),
    ]

    private let local: LocalServer
    /// The local server's user may ask for settings, as far as is known.
    var maySeeSettings = true

    package init(_ local: LocalServer) { self.local = local }

    /// - Parameter completion: called once, on the event loop; with `nil` where the server is away, or refuses to be asked.
    package func ask(_ completion: @escaping (Report?) -> Void) {
        // A user that may not ask for settings is not refused at every scrape: each refusal is an entry in the ACL log.
        let asked = maySeeSettings ? Self.settings : []
        let commands = [Answers.command("INFO", "all")] + asked.map { Answers.command("CONFIG", "GET", $0.0) }
        local.ask(commands) { result in
            guard case .success(let values) = result, case .bulk(let text) = values[0], let server = ServerReport(text)
            else { return completion(nil) }
            if values.dropFirst().contains(where: { $0.errorCode == "NOPERM" }) { self.maySeeSettings = false }
            let settings = zip(asked, values.dropFirst()).compactMap { setting, value in
                MetricsNumber(String(decoding: value.configuredValue, as: UTF8.self)).map { (setting.1, $0) }
            }
            completion(Report(server: server, settings: settings))
        }
    }
}

extension MetricsText {
    /// - Parameter report: `nil` where the server did not answer.
    package mutating func add(server report: ServerReports.Report?) {
        begin("redis_up", .gauge, "Whether the local server answers.")
        add(report == nil ? 0 : 1)
        guard let report else { return }
        add(report.server)
        for (name, value) in report.settings {
            begin(name, .gauge, help: "A setting of the server.")
            add(number: value)
        }
    }
}
