import Glibc
public import Logging
import NIOCore

/// One object of JSON a line:
/// `{"time":"2026-11-21T12:00:00.123Z","level":"info","label":"kvapp","message":"…","redis":"10.0.0.1:6379"}`.
///
/// The fields after the message are the metadata, in the order of their names: those of the event over those of the logger over
/// those of its provider. Numbers and truth values stay what they are. A name that is taken gets an underscore behind it.
public struct JSONLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel = Logger.Level.info

    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: given each line, its end included.
    public init(label: String, write: @escaping @Sendable ([UInt8]) -> Void = { StandardError.write($0) }) {
        self.label = label
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var fields = metadataProvider?.get() ?? [:]
        fields.merge(metadata) { $1 }
        if let more = event.metadata { fields.merge(more) { $1 } }
        if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
        write(Self.line(at: .now, level: event.level, label: label, message: event.message.description, fields))
    }

    static func line(
        at time: LogTime, level: Logger.Level, label: String, message: String, _ fields: Logger.Metadata
    ) -> [UInt8] {
        var line = ByteBuffer()
        line.writeString("{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"label\":")
        line.writeJSONString(label)
        line.writeString(",\"message\":")
        line.writeJSONString(message)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line.writeString(",")
            line.writeJSONString(free(key, among: fields))
            line.writeString(":")
            line.writeJSON(value)
        }
        line.writeString("}\n")
        return Array(line.readableBytesView)
    }

    private static func free(_ key: String, among fields: Logger.Metadata) -> String {
        guard ["time", "level", "label", "message"].contains(key) else { return key }
        var key = key
        repeat { key += "_" } while fields[key] != nil
        return key
    }
}

extension ByteBuffer {
    fileprivate mutating func writeJSONString(_ text: String) {
        writeString("\"")
        writeJSONEscaped(shown: text.utf8.span)
        writeString("\"")
    }

    fileprivate mutating func writeJSON(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text): writeJSONString(text)
        case .stringConvertible(let value) where value is any BinaryInteger || value is Bool:
            writeString(value.description)
        case .stringConvertible(let value as Double) where value.isFinite: writeString(value.description)
        case .stringConvertible(let value): writeJSONString(value.description)
        case .dictionary(let members):
            writeString("{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { writeString(",") }
                writeJSONString(member.key)
                writeString(":")
                writeJSON(member.value)
            }
            writeString("}")
        case .array(let elements):
            writeString("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { writeString(",") }
                writeJSON(element)
            }
            writeString("]")
        }
    }
}

/// A point in time as a log has it: `2026-11-21T12:00:00.123Z` (RFC 3339, UTC).
struct LogTime: CustomStringConvertible {
    var secondsSinceEpoch: Int
    var milliseconds: Int

    static var now: LogTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(secondsSinceEpoch: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    var description: String {
        var time = time_t(secondsSinceEpoch)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let date = unsafe [digits(parts.tm_year + 1900, 4), digits(parts.tm_mon + 1, 2), digits(parts.tm_mday, 2)]
        let clock = unsafe [digits(parts.tm_hour, 2), digits(parts.tm_min, 2), digits(parts.tm_sec, 2)]
        return "\(date.joined(separator: "-"))T\(clock.joined(separator: ":")).\(digits(milliseconds, 3))Z"
    }
}
