import Glibc
import Hiredis
import LocalTopology
import SeededRandomness
import Testing

/// What is done to the servers while the load goes on.
enum FailureKind: String, CaseIterable, Sendable {
    case replicaKilled = "a replica killed"
    case bothReplicasKilled = "both replicas killed"
    case masterKilled = "the master killed"
    case replicaStopped = "a replica stopped for 5 s"
    case fullResynchronisation = "a full resynchronisation"
    case connectionsKilled = "the app's connections killed"
    case masterDemoted = "the master demoted"
    case repliesCut = "replies of the master cut"

    /// The rounds of a test: every kind at least twice, as far as they go, in an order that the seed decides.
    static func rounds(_ count: Int, seed: UInt64) -> [FailureKind] {
        var generator = SplitMix64(seed: seed)
        var kinds = allCases + allCases
        while kinds.count < count { kinds.append(allCases.randomElement(using: &generator)!) }
        kinds.shuffle(using: &generator)
        return Array(kinds.prefix(count))
    }
}

/// What an event meant for the requests of its time.
struct Disturbance: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// When the first server was hurt.
    var began: Instant
    /// When the last hurt server said itself that it serves: PONG, the role it had before, its link up.
    var returned: Instant
    /// From when to when no server took writes. Outside of it, and the second after it, a write has no reason to fail.
    var withoutMaster: ClosedRange<Instant>?
    /// From the master's loss to the order to come back: what replicas answer then is old.
    var stale: ClosedRange<Instant>?
}

/// The events, each with the proof that it took place.
struct FailureEvents {
    let system: FailureSystem
    let cluster: LocalCluster
    let load: FailureLoad

    /// From the loss of its master until a replica's answers are marked: the app looks once a second.
    static let staleMarkLimit = Duration.milliseconds(1200)

    /// Performs the event, and returns once the servers that it hurt are back.
    func perform(_ kind: FailureKind, on replica: String) async throws -> Disturbance {
        switch kind {
        case .replicaKilled: try await kill([replica])
        case .bothReplicasKilled: try await kill(FailureSystem.replicas)
        case .masterKilled: try await killMaster()
        case .replicaStopped: try await stop(replica)
        case .fullResynchronisation: try await resynchronise(replica)
        case .connectionsKilled: try await killConnections()
        case .masterDemoted: try await demoteMaster()
        case .repliesCut: try await cutReplies()
        }
    }

    private func kill(_ replicas: [String]) async throws -> Disturbance {
        let began = ContinuousClock.now
        for replica in replicas { try await cluster.kill(replica) }
        try await waitForAnswers(sentAfter: .now, "the load went on without \(replicas)")
        for replica in replicas { try await cluster.launch(replica) }
        for replica in replicas { try await cluster.waitUntilUp(replica) }
        return Disturbance(began: began, returned: .now)
    }

    private func killMaster() async throws -> Disturbance {
        let began = ContinuousClock.now
        try await cluster.kill("master")
        try await waitForAnswers(sentAfter: began + Self.staleMarkLimit, "the load went on with old answers")
        let ordered = ContinuousClock.now
        try await cluster.start("master")
        let returned = ContinuousClock.now
        return Disturbance(
            began: began, returned: returned, withoutMaster: began...returned, stale: began...ordered)
    }

    private func stop(_ replica: String) async throws -> Disturbance {
        let began = ContinuousClock.now
        try await cluster.pause(replica)
        try await waitForAnswers(sentAfter: began + .seconds(5), "the load went on for 5 s without \(replica)")
        await #expect(throws: (any Error).self, "\(replica) is stopped") {
            try await cluster.redis(replica, "PING", timeout: .milliseconds(50))
        }
        try await cluster.resume(replica)
        try await cluster.waitUntilUp(replica)
        return Disturbance(began: began, returned: .now)
    }

    /// A server that was a master for a moment has its own history, which its master cannot continue.
    private func resynchronise(_ replica: String) async throws -> Disturbance {
        let before = try await cluster.info("master", section: "stats")["sync_full"]
        let began = ContinuousClock.now
        let replies = try await cluster.redis(
            replica,
            [
                ["REPLICAOF", "NO", "ONE"],
                ["REPLICAOF", system.masterEndpoint.host, "\(system.masterEndpoint.port)"],
            ])
        #expect(replies.map(\.text) == ["OK", "OK"])
        try await cluster.wait(until: "\(replica) is in a full synchronisation", of: replica) {
            let fulls = try await cluster.info("master", section: "stats")["sync_full"]
            return Observation(fulls != nil && fulls != before, else: "sync_full \(fulls ?? "?")")
        }
        try await cluster.waitUntilUp(replica)
        return Disturbance(began: began, returned: .now)
    }

    /// One server after the other: with the connections to all of them gone at once nothing could be read.
    private func killConnections() async throws -> Disturbance {
        let began = ContinuousClock.now
        for replica in FailureSystem.replicas {
            try await killConnections(to: replica)
            try await cluster.wait(untilAppIsConnectedTo: replica)
        }
        let writesEnded = ContinuousClock.now
        try await killConnections(to: "master")
        let returned = ContinuousClock.now
        return Disturbance(began: began, returned: returned, withoutMaster: writesEnded...returned)
    }

    private func killConnections(to server: String) async throws {
        let killed = try await cluster.redis(server, "CLIENT", "KILL", "TYPE", "normal")
        guard case .integer(2...) = killed else {
            Issue.record("CLIENT KILL on \(server): \(killed)")
            return
        }
    }

    /// A master whose new master cannot be reached: it refuses writes. Its replicas stay linked to it (redis/redis
    /// src/replication.c, replicationSetMaster), so what they answer is not marked.
    private func demoteMaster() async throws -> Disturbance {
        let began = ContinuousClock.now
        let demoted = try await cluster.redis(
            "master", [["REPLICAOF", system.nowhere.host, "\(system.nowhere.port)"], ["SET", "key", "value"]])
        #expect(demoted[0].text == "OK")
        #expect(demoted[1].errorText?.hasPrefix("READONLY") == true)
        try await waitForAnswers(sentAfter: began + Self.staleMarkLimit, "the load went on for the app's next look")
        #expect(try await cluster.redis("master", "REPLICAOF", "NO", "ONE").text == "OK")
        try await cluster.wait(until: "the master is a master again", of: "master") {
            let role = try await cluster.info("master")["role"]
            return Observation(role == "master", else: role ?? "no role")
        }
        let returned = ContinuousClock.now
        return Disturbance(began: began, returned: returned, withoutMaster: began...returned)
    }

    /// The master's replies are lost on the way, at another place of a pipeline each time; of some requests it hears nothing.
    private func cutReplies() async throws -> Disturbance {
        let began = ContinuousClock.now
        for number in 0..<12 {
            system.masterName.cutReplies(
                .init(
                    marker: Array("$3\r\nSET".utf8), passingBytes: [0, 4, 9, 30][number % 4], limit: 1,
                    isBeforeTarget: number % 6 == 5))
            try await cluster.wait(until: "a reply is cut", of: FailureSystem.app) {
                Observation(system.masterName.cuts == 1, else: "not yet")
            }
            let cut = ContinuousClock.now
            try await cluster.wait(until: "the load went on after a cut", of: FailureSystem.app) {
                let answers = load.answers(sentAfter: cut)
                return Observation(answers >= 100, else: "\(answers) answers")
            }
        }
        system.masterName.cutReplies(nil)
        let returned = ContinuousClock.now
        return Disturbance(began: began, returned: returned, withoutMaster: began...returned)
    }

    private func waitForAnswers(sentAfter moment: ContinuousClock.Instant, _ condition: String) async throws {
        try await cluster.wait(until: condition, of: FailureSystem.app) {
            let answers = load.answers(sentAfter: moment)
            return Observation(answers >= 500, else: "\(answers) answers")
        }
    }
}
