/// What is wrong with the configuration, and what to do. Never holds a secret.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAPort(variable: SettingName, String, ClosedRange<Int>)
    case notAHost(variable: SettingName, String)
    case unknownChoice(variable: SettingName, String, choices: String)
    case notANumber(variable: SettingName, String, ClosedRange<Int>)
    case conflict(SettingName, SettingName)
    /// One variable under two names.
    case differentNames(SettingName, SettingName)
    case emptySecret(variable: SettingName, String)
    /// - Parameter variable: which one names it, where that is known.
    case unreadableFile(String, reason: String, variable: SettingName? = nil)
    /// One variable asks for another.
    case missing(SettingName, because: String, cure: String)
    case unusableFile(variable: SettingName, String, cure: String)
    /// What one program alone asks of its settings, in that program's words.
    case ofProgram(String, isUsage: Bool)

    /// One line.
    public var description: String { words.onOneLine }

    private var words: String {
        switch self {
        case .notAPort(let variable, let text, _) where text.hasPrefix("tcp://"):
            "\(variable) is '\(text.shown)', a link that Kubernetes injects for a Service of that name; "
                + "set \(variable) in the pod, or enableServiceLinks: false"
        case .notAPort(let variable, let text, let range):
            "\(variable) is '\(text.shown)'; give it a port, \(range.lowerBound)…\(range.upperBound)"
        case .notAHost(let variable, let text) where text.contains("@"):
            "\(variable) has an '@' in it; give it a host name or an address alone, and the password its own variable"
        case .notAHost(let variable, let text):
            "\(variable) is '\(text.shown)'; give it a host name or an address alone"
        case .unknownChoice(let variable, let text, let choices): "\(variable) is '\(text.shown)'; it takes \(choices)"
        case .notANumber(let variable, let text, let range):
            "\(variable) is '\(text.shown)'; give it a number, \(range.lowerBound)…\(range.upperBound)"
        case .conflict(let first, let second): "\(first) and \(second) are both set; unset one of them"
        case .differentNames(let first, let second):
            "\(first) and \(second) are the same variable and differ; unset one of them"
        case .emptySecret(let variable, ""):
            "\(variable) contains only a line break; put the secret into it, or unset it"
        case .emptySecret(let variable, let path): "the file '\(path.shown)' that \(variable) names is empty"
        case .missing(let variable, let reason, let cure): "\(reason) and \(variable) is not; \(cure)"
        case .unusableFile(let variable, let path, let cure):
            "the file '\(path.shown)' that \(variable) names cannot be used; \(cure)"
        case .unreadableFile(let path, let reason, nil): "cannot read '\(path.shown)': \(reason)"
        case .unreadableFile(let path, let reason, let variable?):
            "cannot read '\(path.shown)', which \(variable) names: \(reason)"
        case .ofProgram(let words, _): words
        }
    }

    /// Whether a flag's value is what is wrong, and so how the program was called.
    public var isUsage: Bool {
        switch self {
        case .notAPort(let variable, _, _), .notAHost(let variable, _), .unknownChoice(let variable, _, _),
            .notANumber(let variable, _, _):
            variable.isFlag
        case .conflict, .differentNames, .emptySecret, .unreadableFile, .missing, .unusableFile: false
        case .ofProgram(_, let isUsage): isUsage
        }
    }
}
