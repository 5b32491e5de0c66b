import Logging
import Synchronization
import Testing

@testable import Telemetry

@Suite("The log for people")
struct TextLogHandlerTests {
    private static let time = LogTime(secondsSinceEpoch: 1_764_547_200, milliseconds: 5)

    private static func line(
        _ level: Logger.Level, _ message: String, _ fields: Logger.Metadata = [:], usesColours: Bool = false
    ) -> String {
        TextLogHandler(label: "kvapp", usesColours: usesColours).line(at: time, level: level, message: message, fields)
    }

    @Test("a line has time, level, program, message, and the fields in the order of their names")
    func form() {
        #expect(
            Self.line(.info, "is ready", ["redis": "10.0.0.1:6379", "count": "2"])
                == "2025-12-01T00:00:00.005Z info kvapp: is ready count=2 redis=10.0.0.1:6379\n")
    }

    @Test(
        "warnings are yellow and errors red where colours are wanted, nothing else is",
        arguments: [
            (Logger.Level.debug, "debug"), (.info, "info"), (.notice, "notice"),
            (.warning, "\u{1B}[33mwarning\u{1B}[0m"), (.error, "\u{1B}[31merror\u{1B}[0m"),
            (.critical, "\u{1B}[31mcritical\u{1B}[0m"),
        ])
    func colours(level: Logger.Level, shown: String) {
        #expect(Self.line(level, "x", usesColours: true) == "2025-12-01T00:00:00.005Z \(shown) kvapp: x\n")
        #expect(Self.line(level, "x") == "2025-12-01T00:00:00.005Z \(level.rawValue) kvapp: x\n")
    }

    @Test("a text from outside begins no line and changes no terminal")
    func controls() {
        let line = Self.line(.warning, "a\u{1B}[2J\nb", ["k\r": "v\u{9B}\u{2028}"])
        #expect(line == "2025-12-01T00:00:00.005Z warning kvapp: a\\u{1b}[2J\\u{a}b k\\u{d}=v\\u{9b}\\u{2028}\n")
    }

    @Test("each event is one write, with the fields of logger and event")
    func event() {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "kvapp") { label in
            TextLogHandler(label: label, usesColours: false) { bytes in
                lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
        }
        logger[metadataKey: "a"] = "1"
        logger.warning("lost", metadata: ["b": "2"])
        logger.debug("not shown")
        let written = lines.withLock { $0 }
        #expect(written.count == 1 && written[0].hasSuffix("Z warning kvapp: lost a=1 b=2\n"), "\(written)")
    }
}
