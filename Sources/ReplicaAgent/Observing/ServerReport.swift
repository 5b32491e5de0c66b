import RedisCore
import ReplicaReconciler
import Telemetry

/// All that a server says of itself in one answer to `INFO all`, in its own order: what its metrics are made of.
///
/// Source: redis/redis `src/server.c`, `genRedisInfoString`.
struct ServerReport {
    struct Line: Equatable {
        /// `Commandstats`, as the line before its lines has it.
        var section: String
        var name: String
        var value: String
    }

    /// There are several for each database from Redis 8.0 on. What comes behind them is left out.
    private static let maximumLines = 1 << 16
    /// No server writes a longer one; what is longer is left out.
    private static let longestLine = 4096

    let lines: [Line]
    /// As in an observation, but without the section `stats`.
    let information: ServerInformation

    /// - Returns: `nil` where there is no section `Replication`.
    init?(_ text: [UInt8]) {
        var lines: [Line] = []
        var section = ""
        let rows = String(decoding: text, as: UTF8.self)
            .split(maxSplits: Self.maximumLines, whereSeparator: \.isNewline).prefix(Self.maximumLines)
        for row in rows where row.utf8.count <= Self.longestLine {
            if row.hasPrefix("# ") {
                section = String(row.dropFirst(2))
            } else if let colon = row.firstIndex(of: ":") {
                let value = row[row.index(after: colon)...]
                // Names become labels, also those that a script gives its errors. Cut here, two that are the same then are one.
                lines.append(
                    Line(section: section, name: printable(row[..<colon].utf8, limit: 200), value: String(value)))
            }
        }
        self.lines = lines
        guard let information = ServerInformation(parsing: Self.sections(of: text)) else { return nil }
        self.information = information
    }

    func lines(of section: String) -> [Line] { lines.filter { $0.section == section } }

    /// The value of a line; of the last one, where there are several.
    func value(_ name: String) -> String? { lines.last { $0.name == name }?.value }

    func number(_ name: String) -> MetricsNumber? {
        guard let text = value(name) else { return nil }
        return switch text {
        case "ok", "true": MetricsNumber(1)
        case "err", "fail", "false": MetricsNumber(0)
        default: MetricsNumber(text)
        }
    }

    /// The sections that an observation asks for one by one, except `stats`.
    private static func sections(of text: [UInt8]) -> [[UInt8]] {
        let needed = ["# Server", "# Replication", "# Persistence", "# Keyspace"].map { Array($0.utf8) }
        let end = Array("\r\n\r\n".utf8)
        return needed.compactMap { title in
            guard let start = text.firstRange(of: title)?.lowerBound else { return nil }
            let rest = text[start...]
            return Array(rest[..<(rest.firstRange(of: end)?.lowerBound ?? rest.endIndex)])
        }
    }
}

extension ServerReport.Line {
    /// The pairs of `calls=1,usec=2`.
    var pairs: [(name: Substring, value: Substring)] {
        value.split(separator: ",").compactMap { pair in
            guard let sign = pair.firstIndex(of: "=") else { return nil }
            return (pair[..<sign], pair[pair.index(after: sign)...])
        }
    }

    /// The numbers of `calls=1,usec=2` by their names; `nil` where a part is no pair: such a line is damaged.
    ///
    /// - Parameter names: those that have to be numbers where they are there.
    func numbers(_ names: [String]) -> [String: MetricsNumber]? {
        var numbers: [String: MetricsNumber] = [:]
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            guard let sign = part.firstIndex(of: "=") else { return nil }
            let name = String(part[..<sign])
            guard names.contains(name) else { continue }
            guard let number = MetricsNumber(part[part.index(after: sign)...]), numbers[name] == nil else { return nil }
            numbers[name] = number
        }
        return numbers
    }

    func number(_ name: String) -> MetricsNumber? { numbers([name])?[name] }
}
