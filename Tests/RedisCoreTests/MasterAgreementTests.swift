import RedisCore
import SeededRandomness
import ServerSelection
import Testing

/// Random histories of a small system, watched by processes that begin at different times, look in different orders, and are
/// stopped for a while. All have the same list, with every server. Once the system rests, no two write to different servers.
@Suite("Processes that see the same servers write to one of them, or not at all")
struct MasterAgreementTests {
    /// Servers are numbers: 0 is the one that the name led to first, the others were its replicas.
    private struct Server {
        var run: Int
        var isUp = true
        var isHung = false
        var isMaster: Bool
        var follows: Int?
        var history: String
        var origin: String?
        var fork: Int64 = -1
        var offset: Int64 = 100
        var isLinkUp = true
        var answers: Bool { isUp && !isHung }
    }

    private struct World {
        var servers: [Server]
        var name = [0]
        var random: SplitMix64
        private var number = 0

        init(seed: UInt64) {
            random = SplitMix64(seed: seed)
            servers = (0..<3).map { Server(run: $0, isMaster: $0 == 0, follows: $0 == 0 ? nil : 0, history: "") }
            let id = newID()
            for place in servers.indices { servers[place].history = id }
            number = 10
        }

        mutating func newID() -> String {
            number += 1
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 40 - digits.count) + digits
        }

        mutating func pick(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

        mutating func happen() {
            let one = pick(3)
            switch pick(10) {
            case 0, 1: promote(one)
            case 2:
                let other = pick(3)
                if other != one, servers[other].isMaster { follow(one, other) }
            case 3: servers[one].isUp = false
            case 4: restart(one)
            case 5: servers[one].isHung.toggle()
            case 6: name = [one]
            case 7: name = pick(4) == 0 ? [one, pick(3)] : [one]
            case 8: write(to: name[0], 10)
            default: break
            }
        }

        mutating func promote(_ one: Int) {
            guard servers[one].answers, !servers[one].isMaster else { return }
            servers[one].isMaster = true
            servers[one].follows = nil
            servers[one].origin = servers[one].history
            servers[one].fork = servers[one].offset + 1
            servers[one].history = newID()
        }

        mutating func follow(_ one: Int, _ other: Int) {
            guard servers[one].answers else { return }
            servers[one].isMaster = false
            servers[one].follows = other
            servers[one].origin = nil
        }

        mutating func restart(_ one: Int) {
            guard !servers[one].isUp else { return }
            number += 1
            servers[one].run = number
            servers[one].isUp = true
            servers[one].isHung = false
            guard servers[one].isMaster else { return }
            // From an RDB it continues what it had, from an append-only file it has a new history.
            let isContinued = pick(2) == 0
            servers[one].origin = isContinued ? servers[one].history : nil
            servers[one].fork = isContinued ? servers[one].offset + 1 : -1
            if !isContinued { servers[one].offset = 0 }
            servers[one].history = newID()
        }

        mutating func write(to one: Int, _ bytes: Int64) {
            guard servers[one].answers, servers[one].isMaster else { return }
            servers[one].offset += bytes
        }

        mutating func replicate() {
            for place in servers.indices where !servers[place].isMaster && servers[place].answers {
                guard let source = servers[place].follows else { continue }
                servers[place].isLinkUp = servers[source].answers && servers[source].isMaster
                guard servers[place].isLinkUp else { continue }
                servers[place].history = servers[source].history
                servers[place].offset = servers[source].offset
            }
        }

        func information(of one: Int) -> ReplicationInfo {
            let server = servers[one]
            guard server.isMaster else {
                return ReplicationInfo(
                    role: .replica,
                    masterLink: .init(
                        host: "e", port: 1, isUp: server.isLinkUp, downSeconds: server.isLinkUp ? nil : 1,
                        appliedOffset: server.offset), replicationID: server.history, offset: server.offset)
            }
            let attached = servers.filter { !$0.isMaster && $0.follows == one && $0.answers && $0.isLinkUp }
            return ReplicationInfo(
                role: .master,
                replicas: attached.map { _ in
                    .init(address: "a", port: 1, state: "online", offset: server.offset, lagSeconds: 0)
                }, replicationID: server.history, secondReplicationID: server.origin, offset: server.offset,
                secondOffset: server.fork)
        }
    }

    /// Connection 0 goes to the name, 1 to 3 to each server, 4 surveys the name from time to time.
    private struct Watcher {
        var process = MasterObservationsTests.Process()
        var named: Int?
        /// The run of the server behind each connection, and since when it is silent.
        var runs: [Int: Int] = [:]
        var silentSince: [Int: Int64] = [:]
        var stoppedUntil: Int64 = 0

        mutating func look(at world: inout World, _ now: Int64) {
            guard now >= stoppedUntil else { return }
            var connections = [0, 1, 2, 3].shuffled(using: &world.random)
            if now % 2000 == 0 { connections.append(4) }
            for connection in connections where connection == 4 || world.pick(2) == 0 { ask(connection, &world, now) }
            _ = process.verdict(at: now)
        }

        private mutating func ask(_ connection: Int, _ world: inout World, _ now: Int64) {
            if connection == 0, named == nil { named = world.name[world.pick(world.name.count)] }
            let place =
                connection == 0
                ? named ?? 0 : connection == 4 ? world.name[world.pick(world.name.count)] : connection - 1
            let server = world.servers[place]
            guard server.isUp, runs[connection] ?? server.run == server.run else { return drop(connection, now) }
            guard !server.isHung else {
                if now - silentSince[connection, default: now] >= 2000 { return drop(connection, now) }
                silentSince[connection] = silentSince[connection] ?? now
                return
            }
            silentSince[connection] = nil
            if connection != 4 { runs[connection] = server.run }
            let isNamed = connection == 0 || connection == 4
            process.see(
                "\(server.run)", world.information(of: place), at: isNamed ? "name" : "\(place)",
                door: isNamed ? .masterName : .serverList, over: connection, isKept: connection != 4, at: now)
            // A replica is not what the name is asked for.
            if connection == 0, !server.isMaster { drop(0, now) }
        }

        private mutating func drop(_ connection: Int, _ now: Int64) {
            if connection == 0 { named = nil }
            runs[connection] = nil
            silentSince[connection] = nil
            if connection != 4 { process.lose(connection, at: now) }
        }

        /// The server that a write goes to now.
        mutating func target(in world: World, _ now: Int64) -> Int? {
            guard now >= stoppedUntil, case .one = process.verdict(at: now) else { return nil }
            let endpoint = process.servers.selection.endpoint
            guard let place = endpoint == "name" ? named : Int(endpoint) else { return nil }
            let connection = endpoint == "name" ? 0 : place + 1
            let server = world.servers[place]
            return server.answers && server.isMaster && runs[connection] == server.run ? place : nil
        }
    }

    @Test(arguments: 0..<8)
    func `at rest no two write to different servers`(part: Int) {
        var writing = 0
        for seed in 0..<40 as Range<UInt64> {
            var world = World(seed: seed * 8 + UInt64(part))
            var watchers = [Watcher(), Watcher()]
            var now: Int64 = 1000
            var story: [String] = []
            let events = 1 + world.pick(8)
            for event in 0...events {
                // The last pause is the rest.
                let ticks = event == events ? 60 : world.pick(40)
                for _ in 0..<ticks {
                    now += 200
                    world.replicate()
                    for place in watchers.indices {
                        watchers[place].look(at: &world, now)
                        if let target = watchers[place].target(in: world, now) { world.write(to: target, 10) }
                    }
                }
                guard event < events else { break }
                world.happen()
                switch world.pick(4) {
                case 0: watchers[world.pick(2)] = Watcher()
                case 1: watchers[world.pick(2)].stoppedUntil = now + Int64(world.pick(10)) * 1000
                default: break
                }
                story.append("\(now) \(world.name) \(world.servers)")
            }
            let targets = watchers.indices.compactMap { watchers[$0].target(in: world, now) }
            #expect(
                Set(targets).count <= 1,
                "seed \(seed * 8 + UInt64(part)): \(targets)\n\(story.joined(separator: "\n"))")
            writing += targets.isEmpty ? 0 : 1
        }
        #expect(writing > 10, "the rules let writes pass: \(writing) of 40")
    }
}
