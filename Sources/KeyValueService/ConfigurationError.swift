/// What is wrong with the configuration, and what to do. Never holds a secret.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAPort(variable: SettingName, String, ClosedRange<Int>)
    case notAHost(variable: SettingName, String)
    case notAnEndpoint(variable: SettingName, Substring)
    case unknownChoice(variable: SettingName, String, choices: String)
    case notANumber(variable: SettingName, String, ClosedRange<Int>)
    case conflict(SettingName, SettingName)
    case userWithoutPassword
    case emptySecret(variable: SettingName, String)
    case unusableToken(variable: SettingName)
    /// - Parameter variable: which one names it, where that is known.
    case unreadableFile(String, reason: String, variable: SettingName? = nil)
    /// One variable asks for another.
    case missing(SettingName, because: String, cure: String)
    case unusableFile(variable: SettingName, String, cure: String)
    case addressForName(variable: SettingName, String)

    public var description: String {
        switch self {
        case .notAPort(let variable, let text, _) where text.hasPrefix("tcp://"):
            "\(variable) is '\(text)', a link that Kubernetes injects for a Service of that name; "
                + "set \(variable) in the pod, or enableServiceLinks: false"
        case .notAPort(let variable, let text, let range):
            "\(variable) is '\(text)'; give it a port, \(range.lowerBound)…\(range.upperBound)"
        case .notAHost(let variable, let text): "\(variable) is '\(text)'; give it a host name or an address alone"
        case .notAnEndpoint(let variable, let text):
            "\(variable) holds '\(text)'; write host:port, separated by commas, an IPv6 address in brackets"
        case .unknownChoice(let variable, let text, let choices): "\(variable) is '\(text)'; it takes \(choices)"
        case .notANumber(let variable, let text, let range):
            "\(variable) is '\(text)'; give it a number, \(range.lowerBound)…\(range.upperBound)"
        case .conflict(let first, let second): "\(first) and \(second) are both set; unset one of them"
        case .userWithoutPassword: "REDIS_USER is set without a password; set REDIS_PASSWORD or REDIS_PASSWORD_FILE"
        case .emptySecret(let variable, let path): "the file '\(path)' that \(variable) names is empty"
        case .unusableToken(let variable):
            "the token of \(variable) cannot be used; give it 16…4096 visible ASCII characters without spaces, "
                + "such as those of: openssl rand -hex 32"
        case .missing(let variable, let reason, let cure): "\(reason) and \(variable) is not; \(cure)"
        case .unusableFile(let variable, let path, let cure):
            "the file '\(path)' that \(variable) names cannot be used; \(cure)"
        case .addressForName(let variable, let text):
            "\(variable) is '\(text)'; give it a host name, or unset it to check for the address that is connected to"
        case .unreadableFile(let path, let reason, nil): "cannot read '\(path)': \(reason)"
        case .unreadableFile(let path, let reason, let variable?):
            "cannot read '\(path)', which \(variable) names: \(reason)"
        }
    }

    /// Whether a flag's value is what is wrong, and so how the program was called.
    public var isUsage: Bool {
        switch self {
        case .notAPort(let variable, _, _), .notAHost(let variable, _), .notAnEndpoint(let variable, _),
            .unknownChoice(let variable, _, _), .notANumber(let variable, _, _), .addressForName(let variable, _):
            variable.isFlag
        case .conflict, .userWithoutPassword, .emptySecret, .unusableToken, .unreadableFile, .missing, .unusableFile:
            false
        }
    }
}

/// A variable as an error speaks of it: by its flag too, where the value came by the flag.
public struct SettingName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let variable: String
    public let isFlag: Bool

    public init(_ variable: String, isFlag: Bool) {
        self.variable = variable
        self.isFlag = isFlag
    }

    public init(stringLiteral variable: String) { self.init(variable, isFlag: false) }

    public var description: String {
        guard isFlag, let flag = ServiceEnvironment.variable(variable).flag else { return variable }
        return "\(flag) (\(variable))"
    }
}
