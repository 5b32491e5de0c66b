import RedisConf

extension Report {
    /// Lines for people: what is changed, added, removed and kept, in columns; then what is wrong, then the verdict.
    public var text: String { text(hasColours: false) }

    /// The same.
    ///
    /// - Parameter hasColours: for a terminal: headings are bold, errors red, warnings yellow.
    public func text(hasColours: Bool) -> String {
        func coloured(_ text: String, _ code: String) -> String {
            hasColours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
        }
        var output = "role \(role.rawValue), configuration \(source.map(shownPath) ?? "none")\n"
        let lines = settings.map { ([$0.shownName] + $0.shownArguments).joined(separator: " ") }
        let width = min(48, lines.map(\.utf8.count).max() ?? 0)
        for part in ["changed", "added", "removed", "kept"] {
            let part = (name: part, settings: zip(lines, settings).filter { $0.1.change.name == part })
            if part.settings.isEmpty { continue }
            output += coloured("\(part.name):", "1") + "\n"
            for (line, setting) in part.settings {
                let padding = String(repeating: " ", count: max(0, width - line.utf8.count))
                output += "  \(line)\(padding)  \(setting.reason)\n"
            }
        }
        for diagnostic in diagnostics {
            let line = "\(diagnostic)"
            switch diagnostic.severity {
            case .error: output += coloured(line, "31") + "\n"
            case .warning: output += coloured(line, "33") + "\n"
            case .note: output += line + "\n"
            }
        }
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
                ("directive", .string(setting.shownName)),
                ("arguments", .array(setting.shownArguments.map(JSON.string))),
                ("decided", .bool(setting.isDecided)), ("origin", JSON(setting.origin)),
                ("change", .string(setting.change.name)), ("former", JSON(setting.change.former)),
                ("why", setting.why.map(JSON.string) ?? .null),
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

extension Report.Change {
    fileprivate var name: String {
        switch self {
        case .kept: "kept"
        case .changed: "changed"
        case .added: "added"
        case .removed: "removed"
        }
    }

    fileprivate var former: Report.Former? { if case .changed(let former) = self { former } else { nil } }
}

extension Report.Setting {
    /// Where it comes from, what it was before, and why.
    fileprivate var reason: String {
        var reason = "\(origin)"
        if let former = change.former {
            reason += ", was \(former.shownArguments.joined(separator: " ")) (\(former.origin))"
        }
        return why.map { "\(reason): \($0)" } ?? reason
    }

    /// Why a default is not the server's own.
    fileprivate var why: String? {
        guard origin == .preset else { return nil }
        return switch directive {
        case "bind": "other pods reach it by the pod's address"
        case "protected-mode": "without a password it would answer loopback alone"
        case "daemonize", "supervised": "a container ends with its first process"
        case "logfile": "the log goes to standard output"
        case "pidfile": "a container needs none, and its folder may be read-only"
        case "dir": "the data folder of the image"
        case "loadmodule": "the image has it, and the master's data may need it"
        case "shutdown-on-sigterm": "a replica that saved needs no full copy when it is back"
        case "unixsocket", "unixsocketperm": "the probes need a way without TLS"
        case "replicaof": "this server follows no master"
        default: nil
        }
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

    init(_ former: Report.Former?) {
        guard let former else {
            self = .null
            return
        }
        self = .object([
            ("arguments", .array(former.shownArguments.map(JSON.string))), ("origin", JSON(former.origin)),
        ])
    }

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
        case .sentinel: self = .object([("kind", .string("sentinel"))])
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
