import Glibc
public import Logging

/// A line for people: `2026-11-21T12:00:00.123Z warning kvapp: … redis=10.0.0.1:6379`.
///
/// Warnings are yellow and errors red where ``usesColours`` says so. Each line is one write, so lines of several threads do not
/// mix. Control characters are shown as `\u{1b}`: a name from outside cannot change the terminal.
public struct TextLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel = Logger.Level.info

    private let label: String
    private let usesColours: Bool
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: given each line, its end included.
    package init(
        label: String, usesColours: Bool, write: @escaping @Sendable ([UInt8]) -> Void = { StandardError.write($0) }
    ) {
        self.label = label
        self.usesColours = usesColours
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
        let line = line(at: .now, level: event.level, message: event.message.description, fields)
        write(Array(line.utf8))
    }

    func line(at time: LogTime, level: Logger.Level, message: String, _ fields: Logger.Metadata) -> String {
        let colour: String? =
            switch level {
            case .critical, .error: "31"
            case .warning: "33"
            case .trace, .debug, .info, .notice: nil
            }
        var shown = level.rawValue
        if usesColours, let colour { shown = "\u{1B}[\(colour)m\(level.rawValue)\u{1B}[0m" }
        var line = "\(time) \(shown) \(label): \(Self.shown(message))"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(Self.shown(key))=\(Self.shown(value.description))"
        }
        return line + "\n"
    }

    /// Without characters that change a terminal, or begin a line that was not logged.
    private static func shown(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
