/// What is wrong with the configuration, and what to do. Never holds a secret.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAPort(variable: String, String)
    case notAHost(variable: String, String)
    case notAnEndpoint(variable: String, Substring)
    case unknownChoice(variable: String, String, choices: String)
    case conflict(String, String)
    case userWithoutPassword
    case emptySecret(String)
    case unreadableFile(String, reason: String)
    /// One variable asks for another.
    case missing(String, because: String, cure: String)
    case unusableFile(variable: String, String, cure: String)
    case addressForName(variable: String, String)

    public var description: String {
        switch self {
        case .notAPort(let variable, let text) where text.hasPrefix("tcp://"):
            "\(variable) is '\(text)', a link that Kubernetes injects for a Service of that name; "
                + "set \(variable) in the pod, or enableServiceLinks: false"
        case .notAPort(let variable, let text): "\(variable) is '\(text)'; give it a port, 1…65535"
        case .notAHost(let variable, let text): "\(variable) is '\(text)'; give it a host name or an address alone"
        case .notAnEndpoint(let variable, let text):
            "\(variable) holds '\(text)'; write host:port, separated by commas, an IPv6 address in brackets"
        case .unknownChoice(let variable, let text, let choices): "\(variable) is '\(text)'; it takes \(choices)"
        case .conflict(let first, let second): "\(first) and \(second) are both set; unset one of them"
        case .userWithoutPassword: "REDIS_USER is set without a password; set REDIS_PASSWORD or REDIS_PASSWORD_FILE"
        case .emptySecret(let path): "the file '\(path)' that REDIS_PASSWORD_FILE names is empty"
        case .missing(let variable, let reason, let cure): "\(reason) and \(variable) is not; \(cure)"
        case .unusableFile(let variable, let path, let cure):
            "the file '\(path)' that \(variable) names cannot be used; \(cure)"
        case .addressForName(let variable, let text):
            "\(variable) is '\(text)'; give it a host name, or unset it to check for the address that is connected to"
        case .unreadableFile(let path, let reason): "cannot read '\(path)': \(reason)"
        }
    }
}
