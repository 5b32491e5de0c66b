import RedisConf

extension Report {
    /// Lines for people: settings in columns, then what is wrong, then the verdict.
    public var text: String {
        var output = "role \(role.rawValue), configuration \(source.map(shownPath) ?? "none")\n"
        let lines = settings.map { ([$0.directive.text] + $0.shownArguments).joined(separator: " ") }
        let width = min(48, lines.map(\.utf8.count).max() ?? 0)
        for (line, setting) in zip(lines, settings) {
            let padding = String(repeating: " ", count: max(0, width - line.utf8.count))
            output += "  \(line)\(padding)  \(setting.origin)\n"
        }
        for diagnostic in diagnostics { output += "\(diagnostic)\n" }
        let counts = [Diagnostic.Severity.error, .warning, .note].map { severity in
            let count = diagnostics.count { $0.severity == severity }
            return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        output += counts.joined(separator: ", ") + (exitCode == 0 ? ": it would start\n" : ": it would not start\n")
        return output
    }

    /// One JSON object, for programs.
    public var json: String {
        let settings = settings.map { setting in
            JSON.object([
                ("directive", .string(setting.directive.text)),
                ("arguments", .array(setting.shownArguments.map(JSON.string))),
                ("decided", .bool(setting.isDecided)), ("origin", JSON(setting.origin)),
            ])
        }
        let diagnostics = diagnostics.map { diagnostic in
            JSON.object([
                ("severity", .string(diagnostic.severity.rawValue)),
                ("origin", diagnostic.origin.map { JSON($0) } ?? .null),
                ("message", .string(diagnostic.problem.message)), ("cure", .string(diagnostic.problem.cure)),
            ])
        }
        let report = JSON.object([
            ("role", .string(role.rawValue)), ("configuration", source.map { .string(shownPath($0)) } ?? .null),
            ("settings", .array(settings)), ("diagnostics", .array(diagnostics)),
            ("exitCode", .number(Int(exitCode))),
        ])
        return report.description + "\n"
    }
}

/// The little of JSON that a report needs.
private indirect enum JSON: CustomStringConvertible {
    case string(String)
    case number(Int)
    case bool(Bool)
    case null
    case array([JSON])
    case object([(String, JSON)])

    init(_ origin: Origin) {
        switch origin {
        case .environment(let name): self = .object([("kind", .string("variable")), ("name", .string(name))])
        case .secretFile(let variable, let path):
            self = .object([
                ("kind", .string("secret")), ("name", .string(variable)), ("file", .string(shownPath(path))),
            ])
        case .file(let path, let position):
            self = .object([
                ("kind", .string("file")), ("file", .string(shownPath(path))), ("line", .number(position.line)),
                ("column", .number(position.column)),
            ])
        case .arguments: self = .object([("kind", .string("arguments"))])
        case .record(let path): self = .object([("kind", .string("record")), ("file", .string(shownPath(path)))])
        case .preset: self = .object([("kind", .string("default"))])
        }
    }

    var description: String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .number(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        case .null: "null"
        case .array(let elements): "[" + elements.map(\.description).joined(separator: ",") + "]"
        case .object(let fields):
            "{" + fields.map { Self.quoted($0.0) + ":" + $0.1.description }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
