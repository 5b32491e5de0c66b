import Hiredis
import LocalTopology
import Synchronization
import SystemPackage
import Testing

/// Clients that send many writes at once while the leader changes.
@Suite("Writes that wait for the leader")
struct WaitingWritesTests {
    static let servers = RedisServer.representatives

    /// What a client was answered to each of its writes, which are numbered.
    private typealias Statuses = [Int: Int]

    /// What all clients were answered so far.
    private final class Record: Sendable {
        let state = Mutex((statuses: [Statuses](repeating: [:], count: WaitingWritesTests.clients), isOver: false))

        var isOver: Bool { state.withLock { $0.isOver } }
        var statuses: [Statuses] { state.withLock { $0.statuses } }
        var count: Int { statuses.reduce(0) { $0 + $1.count } }

        func end() { state.withLock { $0.isOver = true } }

        func note(_ status: Int, of number: Int, _ client: Int) {
            state.withLock { $0.statuses[client][number] = status }
        }
    }

    /// How each client writes: one key, the numbers 0, 1, 2, …, several requests in one piece.
    private static let clients = 6
    private static let depth = 8

    /// Writes until the body is over, and a little longer.
    private static func write(
        to endpoint: Endpoint, during body: (_ record: Record) async throws -> Void
    ) async throws -> [Statuses] {
        let record = Record()
        try await withThrowingTaskGroup { group in
            for client in 0..<clients {
                group.addTask {
                    let connection = try PipelinedClients(1, to: endpoint)
                    var next = 0
                    while !record.isOver {
                        let numbers = next..<(next + depth)
                        next += depth
                        try await connection.send(
                            numbers.map { .init("PUT", "/v1/keys/w\(client)", body: Array("\($0)".utf8)) }, of: 0)
                        var last: (history: Substring, offset: Int64) = ("", 0)
                        for (number, answer) in zip(numbers, try await connection.receive(depth)) {
                            record.note(answer.status, of: number, client)
                            // Tokens of one history grow: the answers are in the order of the requests.
                            guard let token = answer.header("Replication-Token")?.split(separator: ":"),
                                token.count == 2
                            else { continue }
                            let offset = Int64(token[1]) ?? 0
                            #expect(token[0] != last.history || offset >= last.offset)
                            last = (token[0], offset)
                        }
                    }
                }
            }
            defer { record.end() }
            try await body(record)
            record.end()
            try await group.waitForAll()
        }
        return record.statuses
    }

    @Test(
        "pipelined over a planned change: answered in order, none fails, and each is carried out once in that order",
        arguments: servers)
    func planned(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("read", "it").status == 201)
            for node in system.nodes {
                try await cluster.wait(until: "\(node.name) has it", of: node.name) {
                    Observation(try await cluster.redis(node.name, "GET", "read").text == "it", else: "")
                }
            }
            let statuses = Mutex<[Statuses]>([])
            let reads = try await Load.run(.get("/v1/keys/read"), on: system.app.endpoint, expecting: "it") { load in
                let all = try await Self.write(to: system.app.endpoint) { record in
                    for (old, new, other) in [(0, 1, 2), (1, 2, 0)] {
                        let before = record.count
                        try await cluster.wait(until: "they write", of: "app") {
                            Observation(record.count > before + 500, else: "\(record.count)")
                        }
                        try await cluster.handOver(
                            from: system.nodes[old], to: system.nodes[new], other: system.nodes[other])
                        try await cluster.wait(untilLeads: system.nodes[new].endpoint)
                    }
                    let before = record.count
                    try await cluster.wait(until: "they write on", of: "app") {
                        Observation(record.count > before + 500, else: "\(record.count)")
                    }
                }
                statuses.withLock { $0 = all }
            }
            #expect(reads.count(status: 200) == reads.total && reads.unexpected == [], "reads: \(reads.answers)")
            let carriedOut = try AppendOnlyFile(of: "node-2", in: cluster)
            for (client, statuses) in statuses.withLock({ $0 }).enumerated() {
                let failed = statuses.filter { !(200..<300 ~= $0.value) }
                #expect(failed.isEmpty, "client \(client): \(failed)")
                let values = carriedOut.values(of: "w\(client)").compactMap { Int($0) }
                #expect(values == Array(0..<statuses.count), "client \(client): each once, in order")
            }
        }
    }

    @Test(
        "pipelined over the death of the leader: none that was refused is carried out, none twice, none out of order",
        arguments: servers)
    func killed(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            let all = try await Self.write(to: system.app.endpoint) { record in
                try await cluster.wait(until: "they write", of: "app") {
                    Observation(record.count > 500, else: "\(record.count)")
                }
                try await cluster.kill("node-0")
                try await cluster.promote(system.nodes[1], followers: [system.nodes[2]])
                try await cluster.wait(untilLeads: system.nodes[1].endpoint)
                let before = record.count
                try await cluster.wait(until: "they write on", of: "app") {
                    Observation(record.count > before + 500, else: "\(record.count)")
                }
            }
            let carriedOut = try AppendOnlyFile(of: "node-1", in: cluster)
            for (client, statuses) in all.enumerated() {
                let values = carriedOut.values(of: "w\(client)").compactMap { Int($0) }
                #expect(values == values.sorted() && Set(values).count == values.count, "client \(client): \(values)")
                let unknown = statuses.filter { $0.value == 504 }.keys.sorted()
                let refused = statuses.filter { $0.value == 503 }.keys
                #expect(Set(values).isDisjoint(with: refused), "client \(client): \(refused) were refused")
                #expect(statuses.allSatisfy { [201, 204, 503, 504].contains($0.value) }, "\(statuses)")
                // What was acknowledged behind what is unknown came from the next leader.
                let last = unknown.last ?? -1
                let acknowledged = statuses.filter { $0.key > last && $0.value < 300 }.keys.sorted()
                #expect(unknown.isEmpty || Set(values).isSuperset(of: acknowledged), "client \(client)")
            }
        }
    }

    @Test("2048 wait on an event loop, and are counted as memory; more are refused at once, with the time to retry")
    func bounded() async throws {
        let system = try NodesCluster(environment: ["WRITE_HOLD_MILLISECONDS": "60000"], loops: 1)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            _ = try await cluster.redis("node-0", "REPLICAOF", "127.0.0.1", "0")
            try await cluster.wait(untilReadinessSays: "there is no leader")
            let (count, more) = (2048, 100)
            let clients = try PipelinedClients(count + more, to: system.app.endpoint)
            try await clients.send((0..<(count + more)).map { ($0, [.init("PUT", "/v1/keys/n\($0)", body: [120])]) })
            let refused = try await clients.receive(more)
            for answer in refused {
                #expect(answer.status == 503 && answer.header("Retry-After") != nil, "\(answer)")
            }
            let metrics = try await cluster.http("app", .get("/metrics"))[0].text
            #expect(metrics.contains("kvapp_redis_waiting_writes 2048\n"))
            let memory = metrics.split(separator: "\n").first { $0.hasPrefix("kvapp_client_memory_bytes ") }
            let bytes = try #require(memory?.split(separator: " ").last.flatMap { Double($0) })
            #expect(bytes >= Double(count * 4096), "each counts as 4 KiB")
            try await cluster.promote(system.nodes[2])
            let answers = try await clients.receive(count)
            #expect(answers.allSatisfy { $0.status == 201 })
            #expect(try await cluster.redis("node-2", "DBSIZE") == .integer(Int64(count)), "each once")
            try await cluster.wait(until: "nothing is counted any more", of: "app") {
                let metrics = try await cluster.http("app", .get("/metrics"))[0].text
                let isOver = metrics.contains("kvapp_redis_waiting_writes 0\n")
                return Observation(isOver && metrics.contains("kvapp_client_memory_bytes 0\n"), else: metrics)
            }
        }
    }

    @Test("what has no room in memory is refused at once, with the time to retry; the others wait, and are carried out")
    func memory() async throws {
        let environment = ["WRITE_HOLD_MILLISECONDS": "60000", "MEMORY_BUDGET_MIB": "16"]
        let system = try NodesCluster(environment: environment, loops: 1)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            _ = try await cluster.redis("node-0", "REPLICAOF", "127.0.0.1", "0")
            try await cluster.wait(untilReadinessSays: "there is no leader")
            let (count, size) = (120, 200_000)
            let clients = try PipelinedClients(count, to: system.app.endpoint)
            let body = [UInt8](repeating: 120, count: size)
            try await clients.send((0..<count).map { ($0, [.init("PUT", "/v1/keys/n\($0)", body: body)]) })
            // Each counts twice: as it came, and as it is sent to Redis. One may go over the limit.
            let room = (16 << 20) / (2 * size) + 1
            let refused = try await clients.receive(count - room)
            for answer in refused {
                #expect(answer.status == 503 && answer.header("Retry-After") != nil, "\(answer)")
            }
            #expect(try await cluster.getValue("n0").status == 404, "small answers are given")
            try await cluster.promote(system.nodes[2])
            let answers = try await clients.receive(room)
            let stored = answers.count { $0.status == 201 }
            #expect(
                stored > room / 2 && answers.allSatisfy { [201, 503].contains($0.status) }, "\(answers.map(\.status))")
            #expect(try await cluster.redis("node-2", "DBSIZE") == .integer(Int64(stored)), "each once")
        }
    }
}
