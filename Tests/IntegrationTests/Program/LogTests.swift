import LocalTopology
import Testing

@testable import KeyValueService

@Suite("KVApp's log")
struct LogTests {
    @Test("is an object a line, unless text is asked for")
    func formats() async throws {
        let json = try await log(["LOG_FORMAT": "json"])
        let text = try await log(["LOG_FORMAT": "text"])
        #expect(try await log([:]).split(separator: "\n").count == json.split(separator: "\n").count)
        for log in [json, text] {
            for words in ["listening on 127.0.0.1, port ", "received request from 127.0.0.1", "shutting down", "bye"] {
                #expect(log.contains(words), "\(words) in \(log)")
            }
        }
        for line in json.split(separator: "\n") {
            let names = try names(of: Array(line.utf8))
            #expect(names == ["time", "level", "label", "message"], "\(line)")
        }
        #expect(!text.contains("{") && !text.contains("\u{1B}"), "no colours in a file")
    }

    @Test("leaves out what is below its level")
    func levels() async throws {
        #expect(try await log(["LOG_LEVEL": "error"]) == "")
    }

    /// What the hostname server logs over a life with one request.
    private func log(_ environment: [String: String]) async throws -> String {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        let node = NodeSpec(
            name: "host", executable: try Programs.built("KVApp"),
            arguments: ["hostname", "--host", endpoint.host, "--port", "\(endpoint.port)"],
            environment: environment.merging(["DRAIN_DELAY_SECONDS": "0"]) { $1 }, endpoint: endpoint,
            readiness: .running, isRedis: false)
        return try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(until: "it answers", of: "host") {
                Observation(try await cluster.http("host", .get("/"))[0].status == 200, else: "no")
            }
            #expect(try await cluster.terminate("host") == .exited(code: 0))
            return try await cluster.log(of: "host")
        }
    }

    private func names(of line: [UInt8]) throws -> [String] {
        var names: [String] = []
        var reader = JSONReader(line.span)
        try reader.readObject { name, reader throws(Problem) in
            names.append(String(decoding: name, as: UTF8.self))
            try reader.skipValue()
        }
        return names
    }
}
