import NIOCore
import RedisClient
import RedisCore
import Testing

@testable import KeyValueService

@Suite("The topology")
struct TopologyTests {
    private let app = Topology.App(podIP: "10.0.0.1", hostName: "app \"1\"", version: "1.2.3", streams: 2)
    private let history = String(repeating: "a", count: 40)

    private func master(offset: Int64 = 1000, state: String = "up", seenAt seconds: Int64 = 1) -> ObservedServer {
        ObservedServer(
            endpoint: RedisEndpoint(host: "m", port: 1), state: state, isServing: state == "up",
            information: ReplicationInfo(
                role: .master,
                replicas: [.init(address: "r", port: 2, state: "online", offset: 990, lagSeconds: 0)],
                replicationID: history, offset: offset),
            seenAt: .now() + .seconds(seconds), inFlight: 3, reads: 4)
    }

    private func replica(
        _ host: String = "r", applied: Int64 = 990, isUp: Bool = true, isSynchronising: Bool = false,
        history: String? = nil, seenAt seconds: Int64 = 1
    ) -> ObservedServer {
        ObservedServer(
            endpoint: RedisEndpoint(host: host, port: 2), state: "up", isServing: true,
            information: ReplicationInfo(
                role: .replica,
                masterLink: .init(
                    host: "m", port: 1, isUp: isUp, isSynchronising: isSynchronising, appliedOffset: applied,
                    silentSeconds: isUp ? 7 : nil),
                replicationID: history ?? self.history, offset: applied),
            seenAt: .now() + .seconds(seconds), inFlight: 1, reads: 10)
    }

    private func json(_ servers: [ObservedServer]) -> String {
        String(buffer: Topology(of: app, seenBy: [servers]).json)
    }

    @Test func `is one JSON object, with every member`() {
        let rest = #""configured_as":"replica","standing":"unknown","since":null,"last_known_at":null"#
        let expected = [
            #"{"app":{"pod_ip":"10.0.0.1","host_name":"app \"1\"","version":"1.2.3","streams":2},"#,
            #""master":{"endpoint":"m:1","state":"up","serving":true,"role":"master","#,
            #""replication_id":"\#(history)","offset":1000,"connected_replicas":1,"in_flight":3,"reads":4,"#, rest,
            #"},"replicas":[{"endpoint":"r:2","state":"up","serving":true,"role":"replica","link":"up","#,
            #""applied_offset":990,"lag_bytes":10,"last_io_seconds":7,"in_flight":1,"reads":10,"#, rest, "}]}",
        ]
        #expect(json([master(), replica()]) == expected.joined())
    }

    @Test func `says which node leads, where the leader is found among all nodes`() throws {
        var report = LeaderReport()
        var words = SelectionWords()
        func leader() throws -> Substring {
            words.leader = report
            let text = String(buffer: Topology(of: app, seenBy: [[master()]], words: words).json)
            let start = try #require(text.indices.first { text[$0...].hasPrefix(#""leader":"#) })
            return text[start...].prefix { $0 != "}" }
        }
        #expect(
            try leader().hasPrefix(#""leader":{"endpoint":null,"takes_writes":false,"trouble":"there is no leader"#))
        report.endpoint = RedisEndpoint(host: "n", port: 1)
        report.absence = nil
        report.gapNanoseconds = 45_000_000
        words = SelectionWords(of: [words, words])
        words.waitedWrites = 7
        let text = try leader()
        #expect(text.hasPrefix(#""leader":{"endpoint":"n:1","takes_writes":true,"trouble":null,"since":"2"#))
        #expect(text.hasSuffix(#","gap_seconds":0.045,"waiting_writes":0,"waited_writes":7"#))
    }

    @Test func `says null for what is not known`() {
        let unknown = { (host: String) in
            ObservedServer(
                endpoint: RedisEndpoint(host: host, port: 1), state: "lost the connection", isServing: false,
                information: nil, seenAt: .now(), inFlight: 0, reads: 0)
        }
        let rest = #""configured_as":"replica","standing":"unknown","since":null,"last_known_at":null"#
        let expected = [
            #""master":{"endpoint":"m:1","state":"lost the connection","serving":false,"role":null,"#,
            #""replication_id":null,"offset":null,"connected_replicas":null,"in_flight":0,"reads":0,"#, rest,
            #"},"replicas":[{"endpoint":"r:1","state":"lost the connection","serving":false,"role":null,"#,
            #""link":null,"applied_offset":null,"lag_bytes":null,"last_io_seconds":null,"in_flight":0,"#,
            #""reads":0,"#, rest, "}]}",
        ]
        #expect(json([unknown("m"), unknown("r")]).hasSuffix(expected.joined()))
    }

    @Test func `tells a link that is down from one that synchronises`() {
        #expect(json([master(), replica(isUp: false)]).contains(#""link":"down","#))
        #expect(json([master(), replica(isUp: false, isSynchronising: true)]).contains(#""link":"synchronising","#))
        #expect(json([master(), master()]).contains(#""role":"master","link":null,"#))
    }

    @Test(arguments: [(Int64(1000), Int64(1000), Int64(0)), (1000, 400, 600), (1000, 1200, 0)])
    func `gives the lag in bytes, never below none`(produced: Int64, applied: Int64, lag: Int64) {
        let topology = Topology(of: app, seenBy: [[master(offset: produced), replica(applied: applied)]])
        #expect(topology.lagBytes(of: topology.replicas[0]) == lag)
    }

    @Test func `compares offsets of one history alone`() {
        let topology = Topology(
            of: app, seenBy: [[master(), replica(history: String(repeating: "b", count: 40))]])
        #expect(topology.lagBytes(of: topology.replicas[0]) == nil)
    }

    @Test func `is the sum of what the event loops see, and the newest of what servers say`() {
        var troubled = master(offset: 2000, state: "lost the connection", seenAt: 5)
        troubled.reads = 6
        let topology = Topology(
            of: app,
            seenBy: [
                [master(seenAt: 1), replica(applied: 700, seenAt: 9), replica("s")],
                [troubled, replica("s"), replica(applied: 600, seenAt: 3), replica("t")],
            ])
        #expect(topology.master.state == "lost the connection")
        #expect(!topology.master.isServing)
        #expect(topology.master.information?.offset == 2000)
        #expect(topology.master.reads == 10)
        #expect(topology.master.inFlight == 6)
        #expect(topology.replicas.map(\.endpoint.host) == ["r", "s", "t"], "each server once, in order")
        #expect(topology.replicas[0].information?.appliedOffset == 700)
        #expect(topology.replicas.map(\.reads) == [20, 20, 10])
    }
}
