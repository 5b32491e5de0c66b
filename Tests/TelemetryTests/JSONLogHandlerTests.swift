import Logging
import Synchronization
import Testing

@testable import KeyValueService
@testable import Telemetry

@Suite("The JSON log")
struct JSONLogHandlerTests {
    /// What a logger has written.
    private final class Written: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }

        func logger(provider: Logger.MetadataProvider? = nil) -> Logger {
            Logger(label: "kvapp") { label in
                var handler = JSONLogHandler(label: label) { bytes in
                    self.lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
                }
                handler.metadataProvider = provider
                return handler
            }
        }
    }

    /// The line without its time.
    private func rest(of line: String) -> Substring { line.drop { $0 != "," } }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_400, 9, "2000-02-29T00:00:00.009Z"),
        (1_795_262_400, 123, "2026-11-21T12:00:00.123Z"), (4_102_444_799, 999, "2099-12-31T23:59:59.999Z"),
    ])
    func `tells the time as RFC 3339 has it`(seconds: Int, milliseconds: Int, text: String) {
        #expect(LogTime(secondsSinceEpoch: seconds, milliseconds: milliseconds).description == text)
    }

    @Test func `is one line an event, whatever is in it`() throws {
        let written = Written()
        let messages = ["plain", "two\nlines\r\n", "\"quotes\" and \\", "\u{0}\u{1B}[31m\u{7F}\u{2028}", "ë 😀", ""]
        for message in messages { written.logger().warning("\(message)") }
        #expect(written.all.count == messages.count)
        for (line, message) in zip(written.all, messages) {
            #expect(line.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "\(line)")
            #expect(line.hasSuffix("}\n"))
            let members = try members(of: line)
            #expect(members.map(\.name) == ["time", "level", "label", "message"])
            #expect(members.dropFirst().map(\.text) == ["warning", "kvapp", message])
        }
    }

    @Test func `holds the metadata, numbers as numbers, behind the message`() {
        let written = Written()
        var logger = written.logger(provider: .init { ["from": "provider", "who": "provider"] })
        logger[metadataKey: "who"] = "logger"
        logger.info(
            "m",
            metadata: [
                "z": .stringConvertible(3), "a\"b": "x\ny", "yes": .stringConvertible(true),
                "half": .stringConvertible(0.5), "nan": .stringConvertible(Double.nan), "level": "mine",
                "level_": "too", "list": ["1", .dictionary(["k": "v", "a": .stringConvertible(UInt8(7))])],
            ])
        #expect(
            written.all.map(rest) == [
                ##","level":"info","label":"kvapp","message":"m","a\"b":"x\ny","from":"provider","half":0.5,"level__":"mine""##
                    + ##","level_":"too","list":["1",{"a":7,"k":"v"}],"nan":"nan","who":"logger","yes":true,"z":3}"##
                    + "\n"
            ])
    }

    @Test func `leaves out what is below its level`() {
        let written = Written()
        var logger = written.logger()
        logger.debug("not yet")
        logger.logLevel = .debug
        logger.debug("now")
        #expect(written.all.map(rest) == [#","level":"debug","label":"kvapp","message":"now"}"# + "\n"])
    }

    /// The members of an object of strings.
    private func members(of line: String) throws -> [(name: String, text: String)] {
        let bytes = Array(line.utf8)
        var members: [(String, String)] = []
        var reader = JSONReader(bytes.span)
        try reader.readObject { name, reader throws(Problem) in
            members.append(
                (String(decoding: name, as: UTF8.self), String(decoding: try reader.readString(), as: UTF8.self)))
        }
        return members
    }
}
