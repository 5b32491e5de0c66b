import HTTPWire
import NIOCore
import NIOEmbedded
import NIOHTTP1
import SeededRandomness
import Testing

/// The same bytes, read by NIO's decoder (llhttp): where both take a stream for requests, they take it for the same ones.
@Suite("The decoder beside NIO's")
struct ComparisonTests {
    @Test("random streams that both accept are the same requests to both")
    func randomStreams() {
        var random = SplitMix64(seed: 20_261_121)
        var accepted = 0
        var refusedByOurs = 0
        for _ in 0..<20_000 {
            let wire = Self.stream(&random)
            let ours = Self.untilClose(transcript(of: [wire]))
            // NIO knows the methods by name; here any token is one, and the routes refuse it.
            if ours.contains(where: { if case .head("other", _, _) = $0 { true } else { false } }) { continue }
            if case .fault? = ours.last {
                refusedByOurs += 1
                continue
            }
            accepted += 1
            var theirs = Self.untilClose(Self.nioTranscript(of: wire))
            // NIO refuses the beginning of what is no request; here its end is waited for.
            if case .fault? = theirs.last, theirs.count == ours.count + 1 { theirs.removeLast() }
            #expect(ours == theirs, "\(Self.show(wire))")
        }
        #expect(
            accepted > 3000,
            "the comparison compares something: \(accepted) accepted, \(refusedByOurs) refused here only")
    }

    /// What follows a request that closes the connection is not answered.
    private static func untilClose(_ events: [Event]) -> [Event] {
        var closes = false
        for (index, event) in events.enumerated() {
            if case .head(_, _, keepsAlive: false) = event { closes = true }
            if closes, event == .end { return Array(events[...index]) }
        }
        return events
    }

    private static func show(_ wire: [UInt8]) -> String { String(decoding: wire, as: UTF8.self).debugDescription }

    /// A few requests out of valid pieces, sometimes with a byte changed, taken out or put in.
    private static func stream(_ random: inout SplitMix64) -> [UInt8] {
        var wire = ""
        for _ in 0...Int.random(in: 0...2, using: &random) { wire += request(&random) }
        var bytes = Array(wire.utf8)
        if Bool.random(using: &random), !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let odd = Array("\r\n :,;0aA\u{0}/HTTP".utf8).randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = odd
            case 1: bytes.insert(odd, at: place)
            default: bytes.remove(at: place)
            }
        }
        return bytes
    }

    private static func request(_ random: inout SplitMix64) -> String {
        let target = ["/", "/get?key=k", "/v1/keys/a%20b", "*", "http://h/"].randomElement(using: &random) ?? "/"
        let version = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"].randomElement(using: &random) ?? ""
        let connection =
            ["", "", "Connection: close\r\n", "Connection: keep-alive\r\n", "connection: a, b\r\n"]
            .randomElement(using: &random) ?? ""
        let odd =
            ["", "", "", "X: y\r\n", "X:\ty z \r\n", "Accept: */*\r\n", "Content-Length: 3\r\n"]
            .randomElement(using: &random) ?? ""
        let bodies = [
            ("GET", "\r\n"), ("GET", "\r\n"), ("HEAD", "\r\n"), ("POST", "Content-Length: 3\r\n\r\nabc"),
            ("PUT", "Content-Length: 0\r\n\r\n"), ("DELETE", "\r\n"),
            ("POST", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n"),
            ("POST", "transfer-encoding:chunked\r\n\r\n0\r\nT: x\r\n\r\n"),
        ]
        let (method, rest) = bodies.randomElement(using: &random) ?? ("GET", "\r\n")
        return "\(method) \(target) \(version)\r\nHost: h\r\n\(odd)\(connection)\(rest)"
    }

    /// Ends with a fault where NIO refuses the stream.
    private static func nioTranscript(of wire: [UInt8]) -> [Event] {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var events: [Event] = []
        do {
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            let refused = Result { try channel.writeInbound(ByteBuffer(bytes: wire)) }
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head):
                    events.append(
                        .head(
                            method: head.method.rawValue.lowercased(), target: head.uri,
                            keepsAlive: head.isKeepAlive))
                case .body(let piece):
                    if case .body(let before) = events.last {
                        events[events.count - 1] = .body(before + piece.readableBytesView)
                    } else {
                        events.append(.body(Array(piece.readableBytesView)))
                    }
                case .end: events.append(.end)
                }
            }
            if case .failure = refused { events.append(.fault(.malformed(.notHTTP))) }
        } catch {
            Issue.record(error)
        }
        return events
    }
}
