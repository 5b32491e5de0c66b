import HTTPWire
import NIOCore
import NIOEmbedded
import Testing

@testable import KeyValueService

@Suite("The budget for clients")
struct MemoryBudgetTests {
    @Test func `is used up first, and then its reserve`() {
        for (used, pressure) in [
            (0, MemoryBudget.Pressure.none), (999, .none), (1000, .high), (1249, .high), (1250, .full), (9999, .full),
        ] {
            #expect(MemoryBudget.Pressure(used: used, limit: 1000) == pressure, "\(used)")
            let budget = MemoryBudget(limitBytes: 1000)
            budget.change(by: used)
            #expect(budget.pressure == pressure)
            #expect(budget.isFull == (pressure == .full))
            #expect(budget.room == max(0, 1000 - used))
        }
    }

    @Test func `has memory given back once after much was used`() {
        let budget = MemoryBudget(limitBytes: 1600)
        budget.change(by: 150)
        budget.change(by: -150)
        #expect(!budget.takeTrim(), "that was little")
        budget.change(by: 800)
        #expect(!budget.takeTrim(), "it is still used")
        budget.change(by: -800)
        #expect(budget.takeTrim())
        #expect(!budget.takeTrim())
    }

    @Test(
        arguments: [
            // In a container of version 2 the group is the root of what it sees.
            (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "268435456\n"], 256 << 20),
            (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"], nil),
            (["/proc/self/cgroup": "0::/\n"], nil), ([:], nil),
            // The least of all above it; where the host's path is not to be seen, that of the root.
            (
                [
                    "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
                    "/sys/fs/cgroup/a/memory.max": "1000\n",
                ], 1000
            ),
            (["/proc/self/cgroup": "0::/../pod/c\n", "/sys/fs/cgroup/memory.max": "77\n"], 77),
            (
                [
                    "/proc/self/cgroup": "12:cpu,cpuacct:/x\n5:memory:/x\n0::/\n",
                    "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "5000\n",
                    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                ], 5000
            ),
            (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "-5\n"], nil),
            (["/proc/self/cgroup": "nonsense\n:\n", "/sys/fs/cgroup/memory.max": "5\n"], nil),
        ] as [([String: String], Int?)])
    func `follows the limit of the control group`(files: [String: String], limit: Int?) {
        #expect(ContainerMemory.limitBytes { files[$0] } == limit)
    }

    @Test func `is a sixth of that limit`() {
        for (limit, mebibytes) in [
            (nil, 48), (256 << 20, 42), (64 << 20, 16), (1, 16), (3 << 30, 512), (.max, 4096),
        ] as [(Int?, Int)] {
            #expect(ContainerMemory.defaultBudgetMiB(limitBytes: limit) == mebibytes)
        }
    }

    @Test func `lets many requests be under way whose answers are small, and few whose answers are large`() {
        var window = PipelineWindow()
        for _ in 0..<200 { window.answered(bodyBytes: 100) }
        #expect(window.size == 128)
        window.answered(bodyBytes: 64 << 10)
        #expect(window.size == 16)
        window.answered(bodyBytes: 8 << 20)
        #expect(window.size == 1)
        window.answered(bodyBytes: 64 << 10)
        #expect(window.size == 1, "it grows by small answers alone")
        window.answered(bodyBytes: 0)
        #expect(window.size == 2)
    }
}

/// Real connections' bytes without a socket.
@Suite("What a connection holds")
struct ConnectionMemoryTests {
    /// Answers with as many bytes as the path says: `/10000`.
    private final class Service: HTTPService {
        var requests = 0

        override func handler(for request: borrowing RequestView, on connection: HTTPConnection) -> RequestHandler {
            requests += 1
            let count = Int(request.target.extracting(1..<request.target.count).text) ?? 0
            return ImmediateHandler(
                request.head, connection: connection,
                answer: Response(contentType: .plainText, body: ByteBuffer(repeating: 0x61, count: count)))
        }
    }

    private final class Client {
        let channel = EmbeddedChannel()
        let service: Service

        init(budgetBytes: Int = 48 << 20) throws {
            var limits = HTTPLimits()
            limits.memoryBudgetBytes = budgetBytes
            service = Service(http: HTTPLoop(limits: limits, eventLoop: channel.eventLoop))
            try channel.pipeline.syncOperations.addHandler(HTTPConnection(service: service))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func send(_ target: String, times: Int = 1) throws {
            let request = "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n"
            try channel.writeInbound(ByteBuffer(string: String(repeating: request, count: times)))
        }

        /// Ends the tick.
        func receive() throws -> String {
            channel.embeddedEventLoop.run()
            var text = ""
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
            return text
        }

        func setWritable(_ isWritable: Bool) {
            channel.isWritable = isWritable
            channel.pipeline.fireChannelWritabilityChanged()
        }

        deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    @Test func `answers no further request of one read before what waits is sent`() throws {
        let client = try Client()
        try client.send("/10000", times: 50)
        #expect(client.service.requests == 7, "64 KiB wait for the end of the tick")
        #expect(try client.receive().ranges(of: "HTTP/1.1 200").count == 50)
        #expect(client.service.http.budget.usedBytes == 0)
    }

    @Test func `answers no further request of a client that takes nothing`() throws {
        let client = try Client()
        client.setWritable(false)
        try client.send("/10", times: 50)
        #expect(try client.receive() == "")
        #expect(client.service.requests == 0)
        client.setWritable(true)
        #expect(try client.receive().ranges(of: "HTTP/1.1 200").count == 50)
    }

    @Test func `refuses large answers over the budget, and serves small ones`() throws {
        let client = try Client(budgetBytes: 1 << 20)
        client.service.http.budget.change(by: 1 << 20)
        try client.send("/20000")
        let refusal = try client.receive()
        #expect(refusal.hasPrefix("HTTP/1.1 503 "))
        #expect(refusal.contains("\"code\":\"overloaded\"") && refusal.contains("\r\nRetry-After: 1\r\n"))
        try client.send("/16000")
        #expect(try client.receive().hasPrefix("HTTP/1.1 200 "))
        client.service.http.budget.change(by: -(1 << 20))
        try client.send("/20000")
        #expect(try client.receive().hasPrefix("HTTP/1.1 200 "))
        #expect(client.service.http.budget.refusals == 1)
        #expect(client.service.http.budget.usedBytes == 0)
    }

    @Test func `costs what half a head is long, and nothing once the connection is closed`() throws {
        let client = try Client()
        var bytes = ByteBuffer()
        bytes.reserveCapacity(65_536)
        bytes.writeString("GET /1 HTTP/1.1\r\nX: " + String(repeating: "x", count: 5000))
        try client.channel.writeInbound(bytes)
        #expect(5000...8192 ~= client.service.http.budget.usedBytes, "\(client.service.http.budget.usedBytes)")
        _ = try client.channel.finish(acceptAlreadyClosed: true)
        #expect(client.service.http.budget.usedBytes == 0)
    }
}
