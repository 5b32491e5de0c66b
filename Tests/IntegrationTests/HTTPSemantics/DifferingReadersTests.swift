import Dispatch
import Glibc
import Hiredis
import LocalTopology
import SeededRandomness
import Testing

/// Real proxies in front of one app, and streams whose framing proxies and servers have read differently.
///
/// A proxy gives each request that it passes on a number, which the app logs with its answer and sends back. A request that the
/// app has seen and the proxy has not, one that it has seen twice, or an answer that the proxy took for another request's, is a
/// difference: that is how requests are smuggled.
@Suite("Differing readers")
struct DifferingReadersTests {
    private static let streams = 600

    @Test("nginx and HAProxy count the app's requests as the app does, however a stream is framed")
    func counts() async throws {
        let system = try DirectCluster(
            replicaLines: [], environment: ["ACCESS_LOG_SAMPLE": "1", "ALLOWED_HOSTS": "*", "LOG_FORMAT": "json"])
        let ports = try Loopback.freePorts(2)
        let proxies = [
            try Self.nginx(at: Endpoint(port: ports[0]), before: system.app.endpoint),
            try Self.haproxy(at: Endpoint(port: ports[1]), before: system.app.endpoint),
        ]
        try await withLocalCluster(ClusterSpec(system.spec.nodes + proxies)) { cluster in
            // Whether it was ready was asked of the app itself.
            let direct = Set(Self.appLog(try await cluster.log(of: "app")).keys)
            for (index, proxy) in proxies.enumerated() {
                try await cluster.wait(untilServed: .get("/livez"), by: proxy.name, within: .seconds(30))
                var random = SplitMix64(seed: 20_261_130 + UInt64(index))
                let wires = (0..<Self.streams).map { Self.stream("\(proxy.name)-\($0)", &random) }
                try await offMain { try Self.play(wires, to: proxy.endpoint) }
                // A last request whose number is looked for shows that the logs are whole.
                let last = try await cluster.http(proxy.name, .get("/v1/keys/the-last"))[0]
                let number = try #require(last.header("X-Request-Id"))
                try await cluster.wait(untilLogOf: proxy.name, says: number)
                try await cluster.wait(untilLogOf: "app", says: number)
            }
            let app = Self.appLog(try await cluster.log(of: "app")).filter { !direct.contains($0.key) }
            for proxy in proxies {
                let passed = Self.proxyLog(try await cluster.log(of: proxy.name))
                let answered = passed.filter {
                    $0.value.status != "-" && !$0.value.answers.isEmpty && $0.value.answers != "-"
                }
                #expect(answered.count > Self.streams / 4, "\(proxy.name) passed on \(answered.count)")
                for (number, entry) in answered {
                    // What the app could not read it answers without a number that it was given.
                    guard entry.answers == number else {
                        #expect(
                            entry.status == "400", "\(proxy.name) took \(entry.answers) for the answer to \(number)")
                        continue
                    }
                    #expect(
                        app[number] == [entry.status], "\(proxy.name) \(number): \(app[number] ?? []), \(entry.status)")
                }
            }
            let known = Set(try await Self.numbers(cluster, proxies))
            for (number, statuses) in app where !known.contains(number) {
                // The app's own numbers: what it could not read, and asked nothing of Redis for.
                #expect(statuses.allSatisfy { $0 == "400" || $0 == "408" }, "no proxy has sent \(number): \(statuses)")
            }
            for (number, statuses) in app where known.contains(number) {
                #expect(statuses.count == 1, "\(number) was seen \(statuses.count) times")
            }
        }
    }

    private static func numbers(_ cluster: LocalCluster, _ proxies: [NodeSpec]) async throws -> [String] {
        var numbers: [String] = []
        for proxy in proxies { numbers += proxyLog(try await cluster.log(of: proxy.name)).keys }
        return numbers
    }

    // MARK: The proxies

    private static func nginx(at endpoint: Endpoint, before app: Endpoint) throws -> NodeSpec {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \($0);" }
        return NodeSpec(
            name: "nginx", executable: try Programs.installed("nginx", package: "nginx-light"),
            arguments: ["-p", "{directory}", "-e", "stderr", "-c", "{directory}/redis.conf"],
            configuration: .lines(
                (geteuid() == 0 ? ["user root;"] : []) + [
                    "daemon off; master_process off; pid nginx.pid; error_log /dev/null;",
                    "events { worker_connections 1024; } http {",
                    "log_format numbers 'passed $request_id $upstream_http_x_request_id $upstream_status';",
                    "access_log /dev/stdout numbers; client_header_timeout 1s; client_body_timeout 1s;",
                    "keepalive_timeout 1s; send_timeout 1s; underscores_in_headers on; ignore_invalid_headers off;",
                ] + paths + [
                    "upstream app { server \(app); keepalive 8; } server { listen \(endpoint); location / {",
                    "proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection '';",
                    "proxy_set_header X-Request-Id $request_id; proxy_set_header Host $http_host;",
                    "proxy_request_buffering off; proxy_next_upstream off; } } }",
                ]), endpoint: endpoint, readiness: .running, isRedis: false)
    }

    private static func haproxy(at endpoint: Endpoint, before app: Endpoint) throws -> NodeSpec {
        NodeSpec(
            name: "haproxy", executable: try Programs.installed("haproxy", package: "haproxy"),
            arguments: ["-db", "-f", "{directory}/redis.conf"],
            configuration: .lines([
                "global", "log stdout len 4096 format raw local0", "defaults", "mode http", "log global",
                "timeout connect 2s", "timeout server 5s", "timeout client 1s", "timeout http-request 1s",
                "timeout http-keep-alive 1s", "retries 0", "http-reuse always",
                "log-format \"passed %ID %[var(txn.number)] %ST\"",
                "unique-id-format %{+X}o\\ %pid-%rt-%Ts-%ci-%cp-%[rand]", "frontend all", "bind \(endpoint)",
                "http-request del-header X-Request-Id", "http-request set-header X-Request-Id %[unique-id]",
                "http-response set-var(txn.number) res.hdr(X-Request-Id)", "default_backend app", "backend app",
                "server app \(app)",
            ]), endpoint: endpoint, readiness: .running, isRedis: false)
    }

    // MARK: The logs

    /// By its number: which answer a proxy took for a request's, and its status.
    private static func proxyLog(_ log: String) -> [String: (answers: String, status: String)] {
        var entries: [String: (String, String)] = [:]
        for line in log.split(separator: "\n") {
            guard let start = line.firstRange(of: "passed ")?.upperBound else { continue }
            let fields = line[start...].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            if fields.count == 3 { entries[fields[0]] = (fields[1], fields[2]) }
        }
        return entries
    }

    /// The statuses that the app has answered, by the request's number.
    private static func appLog(_ log: String) -> [String: [String]] {
        var entries: [String: [String]] = [:]
        for line in log.split(separator: "\n") where line.contains("answered ") {
            guard let number = String(line).string(after: "\"request_id\":\""),
                let status = line.firstRange(of: "\"status\":").map({ line[$0.upperBound...].prefix { $0.isNumber } })
            else { continue }
            entries[number, default: []].append(String(status))
        }
        return entries
    }

    // MARK: The streams

    /// Sends each stream over its own connection, many at a time, and reads until the proxy closes it.
    private static func play(_ wires: [[UInt8]], to endpoint: Endpoint) throws {
        var rest = wires[...]
        while !rest.isEmpty {
            var open: [(socket: LoadSocket, unsent: [UInt8])] = []
            for wire in rest.prefix(150) { open.append((try LoadSocket(to: endpoint), wire)) }
            rest = rest.dropFirst(150)
            let deadline = ContinuousClock.now + .seconds(8)
            while !open.isEmpty, .now < deadline {
                open = open.compactMap { entry in
                    var entry = entry
                    do {
                        try entry.socket.send(&entry.unsent)
                    } catch {
                        return nil
                    }
                    if case .end = entry.socket.receive() { return nil }
                    return entry
                }
                var entries = open.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
                poll(&entries, nfds_t(entries.count), 50)
            }
        }
    }

    private static let smuggled = "PUT /v1/keys/smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"

    /// A few requests, most of them framed in a way that readers differ about; then often a byte is changed.
    private static func stream(_ name: String, _ random: inout SplitMix64) -> [UInt8] {
        var text = ""
        for number in 0...Int.random(in: 0...2, using: &random) { text += request("\(name)-\(number)", &random) }
        text += "GET /v1/keys/\(name)-end HTTP/1.1\r\nHost: a\r\n\r\n"
        var bytes = Array(text.utf8)
        if Int.random(in: 0..<3, using: &random) == 0 {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let odd = Array("\r\n :,;0aA\u{0}\t\"\\/".utf8).randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = odd
            case 1: bytes.insert(odd, at: place)
            default: bytes.remove(at: place)
            }
        }
        return bytes
    }

    private static func request(_ key: String, _ random: inout SplitMix64) -> String {
        let body = Bool.random(using: &random) ? smuggled : "0\r\n\r\n\(smuggled)"
        let length = body.utf8.count
        let hex = String(length, radix: 16)
        let sizes = [
            hex, "0\(hex)", hex.uppercased(), "\(hex);a=b", "\(hex);a=\"b;c\"", "\(hex);a=\"\\\n\"", "\(hex) ",
            " \(hex)",
            "\(hex);a=\"\\\r\"", "0x\(hex)", "+\(hex)", "\(hex)\n", "\(hex)\r", "00000000000000000\(hex)", "\(hex);\n",
        ]
        let size = sizes.randomElement(using: &random) ?? hex
        let end = ["\r\n", "\r\n", "\r\n", "\n", "\r", ""].randomElement(using: &random) ?? ""
        let trailer =
            ["", "", "T: x\r\n", "Content-Length: 5\r\n", "T\n: x\r\n", " T: x\r\n"].randomElement(using: &random) ?? ""
        let chunked = "\(size)\r\n\(body)\(end)0\r\n\(trailer)\r\n"
        let bodies = [body, "\(hex)\r\n\(body)\r\n0\r\n\r\n", chunked, chunked]
        let framings = [
            "Content-Length: \(length)", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: \(length)",
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding:\tchunked", "Transfer-Encoding : chunked", "transfer-encoding: CHUNKED",
            "Transfer-Encoding: identity\r\nContent-Length: \(length)", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked;a=b",
            "Transfer-Encoding: \"chunked\"", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: \u{b}chunked",
            "Transfer_Encoding: chunked\r\nContent-Length: \(length)", "Content-Length: +\(length)",
            "Content-Length: \(length), \(length)", "Content-Length: \(length)\r\nContent-Length: \(length)",
            "Content-Length: \(length)\r\nContent-Length: 0", "Content-Length: 00\(length)",
            "Content-Length : \(length)",
            "Content-Length: \(length)\r\nConnection: content-length",
            "Transfer-Encoding: chunked\r\nConnection: transfer-encoding", "Content-Length:\n\(length)",
            "X: y\nTransfer-Encoding: chunked\r\nContent-Length: \(length)",
            "Content-Length: \(length)\r\nUpgrade: h2c",
            "Content-Length: \(length)\r\nExpect: 100-continue", "\u{0}Content-Length: \(length)",
            "Content-Length: 0x\(hex)",
        ]
        let framing = framings.randomElement(using: &random) ?? ""
        let isChunked = framing.lowercased().contains("chunked")
        let version = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"].randomElement(using: &random) ?? ""
        let method = ["PUT", "PUT", "POST", "GET", "DELETE"].randomElement(using: &random) ?? ""
        let content = isChunked ? bodies.randomElement(using: &random) ?? "" : body
        return "\(method) /v1/keys/\(key) \(version)\r\nHost: a\r\nX-Request-Id: mine\r\n\(framing)\r\n\r\n\(content)"
    }
}

/// Away from the threads that tasks share.
private func offMain(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        DispatchQueue(label: "differing readers").async { continuation.resume(with: Result { try body() }) }
    }
}
