import Failover
import SeededRandomness
import Testing

@testable import LeaseStore

@Suite("The lease as text")
struct LeaseTextTests {
    @Test("any record that may be stored is read again as it was", arguments: 0..<400)
    func roundTrip(seed: UInt64) throws {
        let record = LeaseRecord.random(seed: seed)
        let text = try LeaseText.text(of: record)
        #expect(text.utf8.count <= LeaseText.maximumBytes)
        #expect(try LeaseText.record(in: text.utf8) == record, "\(text)")
    }

    @Test("no bytes crash the reader, and what it reads can be written", arguments: 0..<200)
    func randomBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let noise = (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        check(noise)
        // A real one with a few bytes changed, cut off or doubled.
        var bytes = Array(try LeaseText.text(of: .random(seed: seed)).utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &random)
            case 1: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
            default: bytes.remove(at: index)
            }
        }
        check(bytes)
        check(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
        check(Array(repeating: UInt8(ascii: seed.isMultiple(of: 2) ? "[" : "{"), count: 60_000))
    }

    private func check(_ bytes: [UInt8]) {
        guard let record = try? LeaseText.record(in: bytes) else { return }
        #expect((try? LeaseText.text(of: record)).map { try? LeaseText.record(in: $0.utf8) } == record)
    }

    private static let whole = """
        {"format":1,"term":7,"durationMilliseconds":5000,"renewals":93,"paused":false,\
        "holder":{"name":"redis-0","pod":"4f0c","start":1},\
        "histories":[{"term":7,"id":"8a2e","start":1024}],"successor":{"name":"redis-1","offset":2048}}
        """

    private static let record = LeaseRecord(
        holder: NodeID(name: "redis-0", pod: "4f0c", start: 1), term: 7, duration: .seconds(5),
        histories: [.init(term: 7, id: "8a2e", start: 1024)], successor: .init(name: "redis-1", offset: 2048),
        renewals: 93)

    @Test("the form is the documented one, and fields that are not known are not kept")
    func form() throws {
        #expect(try LeaseText.record(in: Self.whole.utf8) == Self.record)
        let more = Self.whole.replacing("{\"format\"", with: "{\"colour\":{\"a\":[1]},\"format\"")
        #expect(try LeaseText.record(in: more.utf8) == Self.record)
        #expect(!(try LeaseText.text(of: LeaseText.record(in: more.utf8))).contains("colour"))
    }

    @Test(
        "a text that is not ours, or out of range, is no record",
        arguments: [
            ("", LeaseTextError.notJSON), ("[1]", .notJSON), ("7", .notJSON), ("{", .notJSON),
            (#"{"a":1}"#, .notOurs), (#"{"format":2}"#, .otherFormat(2)), (#"{"format":1}"#, .missingFields),
            (whole.replacing("5000", with: "0"), .outOfRange("durationMilliseconds")),
            (whole.replacing("5000", with: "-1"), .outOfRange("durationMilliseconds")),
            (whole.replacing("5000", with: "9223372036854775807"), .outOfRange("durationMilliseconds")),
            (whole.replacing("5000", with: "86400001"), .outOfRange("durationMilliseconds")),
            (whole.replacing("5000", with: "0.5"), .missingFields),
            (whole.replacing("5000", with: "\"5000\""), .missingFields),
            (whole.replacing("\"renewals\":93", with: "\"renewals\":-1"), .missingFields),
            (whole.replacing("\"term\":7,\"dur", with: "\"term\":18446744073709551616,\"dur"), .missingFields),
            (whole.replacing("1024", with: "-2"), .outOfRange("histories.start")),
            (whole.replacing("2048", with: "-1"), .outOfRange("successor.offset")),
            (whole.replacing("{\"term\":7", with: "{\"term\":8"), .outOfRange("histories.term")),
            (whole.replacing("redis-0", with: ""), .outOfRange("holder.name")),
            (whole.replacing("8a2e", with: ""), .outOfRange("histories.id")),
            (whole.replacing("redis-1", with: String(repeating: "x", count: 254)), .outOfRange("successor.name")),
            (String(repeating: " ", count: 65_537), .tooLarge(65_537)),
        ])
    func refused(text: String, error: LeaseTextError) {
        #expect(throws: error) { try LeaseText.record(in: text.utf8) }
    }

    @Test("a record that could not be read again is not written")
    func unstorable() {
        var record = Self.record
        for duration in [Duration.zero, .seconds(-1), .microseconds(1500), .seconds(86_401)] {
            record.duration = duration
            #expect(throws: LeaseTextError.self) { try LeaseText.text(of: record) }
        }
        record = Self.record
        record.histories = Array(repeating: .init(term: 1, id: "a", start: 0), count: LeaseRecord.keptHistories + 1)
        #expect(throws: LeaseTextError.outOfRange("histories")) { try LeaseText.text(of: record) }
    }
}

extension LeaseRecord {
    /// A record with every part in every form, from its bounds too.
    static func random(seed: UInt64) -> LeaseRecord {
        var random = SplitMix64(seed: seed)
        func number() -> UInt64 {
            [0, 1, UInt64.max, UInt64(Int64.max), UInt64(Int32.max) + 1, random.next(), random.next() % 1000]
                .randomElement(using: &random) ?? 0
        }
        func offset() -> Int64 { Int64(clamping: number() >> 1) }
        func name() -> String {
            let kinds = [
                "redis-0", "a", "ü/\"\\\u{1}\n\u{7F}", "\u{2028}\u{1F600}", String(repeating: "x", count: 253),
            ]
            return kinds.randomElement(using: &random) ?? "a"
        }
        let term = number()
        var histories: [History] = []
        var last: UInt64 = 0
        for _ in 0..<Int.random(in: 0...LeaseRecord.keptHistories, using: &random) {
            last = UInt64.random(in: last...term.magnitudeAtLeast(last), using: &random)
            histories.append(History(term: last, id: name(), start: Bool.random(using: &random) ? offset() : -1))
        }
        return LeaseRecord(
            holder: Bool.random(using: &random)
                ? NodeID(name: name(), pod: Bool.random(using: &random) ? name() : "", start: number()) : nil,
            term: term, duration: .milliseconds(Int64.random(in: 1...86_400_000, using: &random)),
            histories: histories,
            successor: Bool.random(using: &random) ? Successor(name: name(), offset: offset()) : nil,
            isPaused: Bool.random(using: &random), renewals: number())
    }
}

extension UInt64 {
    fileprivate func magnitudeAtLeast(_ least: UInt64) -> UInt64 { Swift.max(self, least) }
}
