import Glibc
import LocalTopology
import Synchronization

/// Clients that write a value through one app and read it through the next one, again and again; each has its own key,
/// so that it knows what the newest value is.
struct Soak: Sendable {
    struct Report: Sendable, CustomStringConvertible {
        var pairs = 0
        /// Reads that gave an older value, or none.
        var stale = 0
        var servedByReplicas = 0
        /// Answers that are neither the value nor an older one.
        var unexpected: [String] = []
        var duration = Duration.zero

        var description: String {
            let seconds = duration / .seconds(1)
            let rounded = Int((seconds * 10).rounded())
            return "\(pairs) pairs in \(rounded / 10).\(rounded % 10) s, \(stale) stale, "
                + "\(servedByReplicas) reads served by replicas, unexpected: \(unexpected.prefix(3))"
        }
    }

    static let clients = 24

    let apps: [Endpoint]
    let usesTokens: Bool

    /// Runs all clients on one thread.
    func run(pairs: Int) async throws -> Report {
        try await withCheckedThrowingContinuation { continuation in
            onOwnThread { continuation.resume(with: Result { try work(pairs: pairs) }) }
        }
    }

    private func work(pairs: Int) throws -> Report {
        let start = ContinuousClock.now
        var report = Report()
        var left = pairs
        let clients = try (0..<Self.clients).map { try SoakClient(number: $0, apps: apps, usesTokens: usesTokens) }
        for client in clients where left > 0 {
            left -= 1
            client.write()
        }
        while clients.contains(where: \.isBusy) {
            var entries = clients.map(\.pollEntry)
            guard poll(&entries, nfds_t(entries.count), 15_000) > 0 else {
                report.unexpected.append("no answer within 15 s")
                break
            }
            for (client, entry) in zip(clients, entries) where entry.revents != 0 {
                guard client.receive(into: &report), left > 0 else { continue }
                left -= 1
                client.write()
            }
        }
        report.duration = ContinuousClock.now - start
        return report
    }
}

/// One client of a ``Soak``: a connection to each app, and one request at a time.
private final class SoakClient {
    private enum Awaited {
        case nothing, write, read
    }

    private let name: String
    private let usesTokens: Bool
    private let sockets: [LoadSocket]
    private var turn: Int
    private var counter = 0
    private var awaited = Awaited.nothing
    private var current = 0
    private var incoming: [UInt8] = []

    init(number: Int, apps: [Endpoint], usesTokens: Bool) throws {
        name = "soak-\(usesTokens)-\(number)"
        self.usesTokens = usesTokens
        turn = number
        sockets = try apps.map { try LoadSocket(to: $0) }
    }

    var isBusy: Bool { awaited != .nothing }

    var pollEntry: pollfd {
        pollfd(fd: isBusy ? sockets[current].descriptor : -1, events: Int16(POLLIN), revents: 0)
    }

    /// Begins the next pair.
    func write() {
        counter += 1
        awaited = .write
        let value = "\(counter)"
        send("PUT /v1/keys/\(name) HTTP/1.1\r\nHost: a\r\nContent-Length: \(value.utf8.count)\r\n\r\n\(value)")
    }

    private func read(after token: String) {
        awaited = .read
        let fields = usesTokens ? "Replication-After: \(token)\r\nReplication-Wait: 500ms\r\n" : ""
        send("GET /v1/keys/\(name) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    }

    /// To the next app: the read of a pair goes through another one than its write.
    private func send(_ request: String) {
        turn += 1
        current = turn % sockets.count
        var bytes = Array(request.utf8)
        // A few hundred bytes, to a connection that owes nothing.
        try? sockets[current].send(&bytes)
    }

    /// - Returns: whether the pair is done.
    func receive(into report: inout Soak.Report) -> Bool {
        switch sockets[current].receive() {
        case .nothing: return false
        case .bytes(let bytes): incoming += bytes
        case .end(let how):
            report.unexpected.append("\(name): \(how)")
            awaited = .nothing
            return true
        }
        guard let answer = SoakAnswer(incoming) else { return false }
        incoming = []
        switch awaited {
        case .write:
            guard answer.status == 201 || answer.status == 204, let token = answer.token else {
                return end(unexpected: answer, in: &report)
            }
            read(after: token)
            return false
        case .read:
            awaited = .nothing
            report.pairs += 1
            if answer.isByReplica { report.servedByReplicas += 1 }
            let seen = answer.status == 404 ? 0 : answer.status == 200 ? Int(answer.body) : nil
            guard let seen, seen <= counter else { return end(unexpected: answer, in: &report) }
            if seen < counter { report.stale += 1 }
            return true
        case .nothing: return true
        }
    }

    private func end(unexpected answer: SoakAnswer, in report: inout Soak.Report) -> Bool {
        awaited = .nothing
        report.unexpected.append("\(name) #\(counter): \(answer.status) \(answer.body)")
        return true
    }
}

/// A whole answer, as far as a ``Soak`` looks at it.
private struct SoakAnswer {
    let status: Int
    let token: String?
    let isByReplica: Bool
    let body: String

    /// - Returns: `nil` where more has to come.
    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let end = lines.firstIndex(of: ""), let first = lines.first, first.hasPrefix("HTTP/1.1 ") else {
            return nil
        }
        var fields: [Substring: Substring] = [:]
        for line in lines[1..<end] {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[colon...].dropFirst(2)
        }
        body = lines[(end + 1)...].joined(separator: "\r\n")
        guard body.utf8.count >= fields["Content-Length"].flatMap({ Int($0) }) ?? 0 else { return nil }
        status = Int(first.dropFirst(9).prefix(3)) ?? 0
        token = fields["Replication-Token"].map(String.init)
        isByReplica = fields["Served-Role"] == "replica"
    }
}
