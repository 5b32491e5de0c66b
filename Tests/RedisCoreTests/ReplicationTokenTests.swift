import RedisCore
import Testing

@Suite("Replication tokens")
struct ReplicationTokenTests {
    static let id = "0123456789abcdef0123456789abcdef01234567"

    @Test(
        "what is read is written again, byte for byte",
        arguments: [
            ("0", 0), ("1", 1), ("9", 9), ("10", 10), ("99", 99), ("100", 100), ("1234567890", 1_234_567_890),
            ("1000000000000000000", 1_000_000_000_000_000_000), ("9223372036854775807", .max),
        ] as [(String, Int64)])
    func roundTrip(digits: String, offset: Int64) throws {
        let text = "\(Self.id):\(digits)"
        let token = try #require(ReplicationToken(text))
        #expect(token.offset == offset)
        #expect("\(token)" == text)
        #expect(token.bytes == Array(text.utf8))
        #expect("\(token.replicationID)" == Self.id)
        #expect(ReplicationToken(replicationID: token.replicationID, offset: offset) == token)
    }

    @Test("every digit at every place of an id is kept, and makes an id of its own")
    func everyDigit() throws {
        var seen: Set<ReplicationToken> = []
        for place in 0..<40 {
            for digit in Array("123456789abcdef".utf8) {
                var bytes = Array(repeating: UInt8(ascii: "0"), count: 40) + Array(":5".utf8)
                bytes[place] = digit
                let token = try #require(ReplicationToken(bytes))
                #expect(token.bytes == bytes)
                seen.insert(token)
            }
        }
        #expect(seen.count == 40 * 15)
    }

    @Test(
        "anything but an id, a colon and a number is refused",
        arguments: [
            "", ":", "0", ":1", "\(id)", "\(id):", "\(id):-1", "\(id):+1", "\(id): 1", "\(id):1 ", " \(id):1",
            "\(id):1\n", "\(id):1\0", "\(id):01", "\(id):00", "\(id):0x1", "\(id):1.0", "\(id):1e3", "\(id):a",
            "\(id):1:1", "\(id)::1", "\(id);1", "\(id)1", "\(id)=1", "\(id):\u{661}",
            "\(id):9223372036854775808", "\(id):9999999999999999999", "\(id):10000000000000000000",
            "\(id):18446744073709551617", "\(id):09223372036854775807",
            "\(id)0:1", "\(id.dropLast()):1", "\(id.dropLast())g:1", "\(id.dropLast())A:1", "\(id.uppercased()):1",
            "\(id.dropLast()) :1", "\(id.dropLast())::1", "\(id.dropLast())/:1", "\(id.dropLast())`:1",
            "/\(id.dropFirst()):1", "\u{e4}\(id.dropFirst(2)):1", "\"\(id):1\"", "\(id):1,\(id):2",
        ])
    func malformed(text: String) { #expect(ReplicationToken(text) == nil) }

    @Test("cut off at any byte it is refused, or a smaller number where digits are left")
    func truncation() {
        let bytes = Array("\(Self.id):9876543210".utf8)
        for end in 0...bytes.count {
            let token = ReplicationToken(Array(bytes[..<end]))
            if end < 42 {
                #expect(token == nil, "\(end) bytes")
            } else {
                #expect(token?.bytes == Array(bytes[..<end]), "\(end) bytes")
            }
        }
    }

    @Test("any byte in the place of any other is refused, or read as what it says")
    func everyByte() {
        let bytes = Array("\(Self.id):42".utf8)
        for index in bytes.indices {
            for byte in UInt8.min ... .max {
                var changed = bytes
                changed[index] = byte
                let token = ReplicationToken(changed)
                let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                let isAllowed =
                    switch index {
                    case ..<40: isDigit || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
                    case 40: byte == UInt8(ascii: ":")
                    case 41: isDigit && byte != UInt8(ascii: "0")
                    default: isDigit
                    }
                #expect(token?.bytes == (isAllowed ? changed : nil), "byte \(byte) at \(index)")
            }
        }
    }

    typealias Link = ReplicationInfo.MasterLink

    private func info(
        _ role: ReplicationInfo.Role, _ link: Link? = nil, id: String = id, offset: Int64 = 900
    ) -> ReplicationInfo {
        ReplicationInfo(role: role, masterLink: link, replicationID: id, offset: offset)
    }

    @Test("a master's token is its id and the end of its stream")
    func ofMaster() {
        #expect(ReplicationToken(of: info(.master)) == .of(Self.id, 900))
        #expect(ReplicationToken(of: info(.master, offset: 0)) == .of(Self.id, 0))
    }

    @Test("a replica's token is what it has applied, not what it has received")
    func ofReplica() {
        let link = Link(host: "m", port: 1, isUp: true, appliedOffset: 40, receivedOffset: 42)
        #expect(ReplicationToken(of: info(.replica, link)) == .of(Self.id, 40))
    }

    @Test("a replica whose link is down, or that synchronises, gives none")
    func ofCutOff() {
        for (isUp, isSynchronising) in [(false, false), (false, true), (true, true)] {
            let link = Link(host: "m", port: 1, isUp: isUp, isSynchronising: isSynchronising, appliedOffset: 40)
            #expect(ReplicationToken(of: info(.replica, link)) == nil)
        }
        #expect(ReplicationToken(of: info(.replica)) == nil)
    }

    @Test("an answer without an id, or with what is none, gives none", arguments: ["", "abc", "?", id + "0"])
    func withoutID(id: String) { #expect(ReplicationToken(of: info(.master, id: id)) == nil) }

    @Test("an offset below 0 gives none")
    func negative() { #expect(ReplicationToken(of: info(.master, offset: -1)) == nil) }
}

extension ReplicationToken {
    init?(_ text: String) { self.init(Array(text.utf8)) }

    init?(_ bytes: [UInt8]) { self.init(parsing: bytes.span) }

    /// - Parameter id: 40 lowercase hexadecimal digits.
    static func of(_ id: String, _ offset: Int64) -> ReplicationToken {
        let bytes = Array(id.utf8)
        return ReplicationToken(replicationID: ReplicationID(parsing: bytes.span)!, offset: offset)
    }
}
