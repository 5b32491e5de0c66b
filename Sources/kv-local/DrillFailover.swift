internal import ArgumentParser
internal import Glibc
internal import LocalTopology
internal import UnixSignals

struct DrillFailover: AsyncParsableCommand {
    private static let name = "drill-failover"
    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Move, kill and freeze the leader under load, and count what failed and what was lost.",
        discussion: """
            In a cluster of its own, with the ports of `kv-local run-failover` or those that are given. Ends with 0 if no \
            acknowledged write is lost in silence and no planned change failed a write, with 1 otherwise.
            """)

    @OptionGroup var layout: FailoverLayout

    @Option(help: "How often each fault is played, 1 to 100.")
    var rounds = 3

    func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds takes 1 to 100") }
    }

    func run() async throws {
        let signal = try await Lifetime(layout, target: Self.name).live { [layout, rounds] cluster in
            try await FailoverDrill(cluster: cluster, layout: layout, rounds: rounds).play()
        }
        // It has not shown what it is for.
        if let signal { throw ExitCode(128 + signal.rawValue) }
    }
}

/// What a drill found that should not be.
struct DrillFailure: Error, CustomStringConvertible {
    let description: String
}

/// Faults of a leader: played under load, timed and counted.
struct FailoverDrill: Sendable {
    let cluster: LocalCluster
    let layout: FailoverLayout
    let rounds: Int
    let begin = ContinuousClock.now

    enum Fault: String, CaseIterable {
        case planned = "planned change"
        case ended = "node ended (SIGTERM)"
        case serverKilled = "redis-server killed"
        case nodeKilled = "whole node killed"
        case agentFrozen = "agent frozen"

        var isPlanned: Bool { self == .planned || self == .ended }
    }

    struct Row: Sendable {
        var fault: Fault
        /// The longest time without an acknowledged write, in each round.
        var pauses: [Duration] = []
        var writes = 0
        var failedWrites = 0
        var unknownWrites = 0
        var reads = 0
        var failedReads = 0
    }

    func play() async throws {
        tell("Starting etcd, \(layout.nodes) nodes and \(layout.apps) apps")
        try await cluster.start()
        tell("\(try await cluster.waitForLeader(layout)) leads")
        let load = FailoverLoad(cluster: cluster, apps: (1...layout.apps).map(Layout.appName))
        var rows: [Row] = []
        let lost: FailoverLoad.Losses = try await withThrowingTaskGroup(of: Void.self) { group in
            // A fault that cannot be played ends the load, too.
            defer { load.stop() }
            load.start(in: &group)
            for fault in Fault.allCases {
                var row = Row(fault: fault)
                for _ in 0..<rounds { try await play(fault, load, &row) }
                rows.append(row)
            }
            load.stop()
            try await group.waitForAll()
            tell("Looking for every acknowledged write")
            return try await load.losses { tell("  \($0) of \($1)") }
        }
        Story.tell(table(rows))
        tell(
            "\(lost.acknowledged) writes were acknowledged: \(lost.missing) are missing, \(lost.told) of them are told as "
                + "409 replication-lost")
        let failedPlanned = rows.filter(\.fault.isPlanned).reduce(0) { $0 + $1.failedWrites + $1.unknownWrites }
        guard lost.missing == lost.told else {
            throw DrillFailure(description: "\(lost.missing - lost.told) acknowledged writes are lost in silence")
        }
        guard failedPlanned == 0 else {
            throw DrillFailure(description: "\(failedPlanned) writes failed in planned changes")
        }
    }

    private func play(_ fault: Fault, _ load: FailoverLoad, _ row: inout Row) async throws {
        let leader = try await cluster.waitForLeader(layout)
        // Some writes before, so that the pause has a beginning.
        try await load.waitForWrites(20)
        load.beginRound()
        var frozen: Int32?
        switch fault {
        case .planned:
            let program = try Programs.built("redis-replica-sidecar")
            let socket = "\(cluster.folder)/\(leader)/failover.sock"
            let (code, text) = try await Programs.output(of: program, ["switchover", "--failover-socket", socket])
            guard code == 0 else { throw DrillFailure(description: "the planned change failed: \(text)") }
        case .ended: _ = try await cluster.terminate(leader)
        case .serverKilled:
            guard let text = try await cluster.info(leader, section: "server")["process_id"], let server = Int32(text)
            else { throw DrillFailure(description: "\(leader) does not tell its process") }
            kill(server, SIGKILL)
        case .nodeKilled: try await cluster.kill(leader)
        case .agentFrozen:
            frozen = try await cluster.processIdentifier(of: leader)
            try await cluster.pause(leader)
        }
        try await cluster.wait(until: "writes go on elsewhere", within: .seconds(60)) {
            guard let now = await cluster.leader(layout), now != leader else { return .notYet("no other node leads") }
            return .satisfied
        }
        try await load.waitForWrites(50)
        let round = load.endRound()
        row.pauses.append(round.longestPause)
        row.writes += round.writes
        row.failedWrites += round.failedWrites
        row.unknownWrites += round.unknownWrites
        row.reads += round.reads
        row.failedReads += round.failedReads
        tell("\(fault.rawValue): \(leader); no write for \(round.longestPause.inMilliseconds)")
        if frozen != nil { try await cluster.resume(leader) }
        if await !cluster.isRunning(leader) { try await cluster.launch(leader) }
        _ = try await cluster.waitForLeader(layout)
    }

    private func table(_ rows: [Row]) -> String {
        var lines = [
            "",
            "| event | rounds | no write for: median | longest | writes | failed | unknown | reads | failed |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for row in rows {
            let pauses = row.pauses.sorted()
            let median = ((pauses[(pauses.count - 1) / 2] + pauses[pauses.count / 2]) / 2).inMilliseconds
            lines.append(
                "| \(row.fault.rawValue) | \(pauses.count) | \(median) | \((pauses.last ?? .zero).inMilliseconds) | "
                    + "\(row.writes) | \(row.failedWrites) | \(row.unknownWrites) | \(row.reads) | \(row.failedReads) |"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func tell(_ text: String) {
        let time = begin.duration(to: .now).inSeconds
        Story.tell(String(repeating: " ", count: max(0, 8 - time.count)) + "\(time)  \(text)")
    }
}

extension Duration {
    var inMilliseconds: String { "\(Int(self / .milliseconds(1))) ms" }
}
