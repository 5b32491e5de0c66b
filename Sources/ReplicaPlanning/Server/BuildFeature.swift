/// What a server has or has not by the way it was built: neither its version nor a file tells.
public enum BuildFeature: String, Sendable, CaseIterable {
    case tls = "TLS"
    case activeDefragmentation = "active defragmentation"

    /// Arguments by which the server tells. No server takes the last one, so that none starts.
    public var trial: [String] {
        switch self {
        case .tls: ["--tls-port", "x", "--port", "x"]
        case .activeDefragmentation: ["--activedefrag", "yes", "--port", "x"]
        }
    }

    /// What the answer says; nil for one that is not understood.
    ///
    /// A server names the first line that it refuses, `>>> 'port "x"'`. A value that is no number is refused as one only by a
    /// server that knows the directive.
    public func isPresent(by answer: String) -> Bool? {
        let answer = Array(answer.utf8)
        let refuses = { (name: String) in answer.holds(utf8(">>> '\(name) ")) }
        switch self {
        case .tls:
            if refuses("tls-port") { return answer.holds(utf8("integer")) }
            return refuses("port") ? false : nil
        case .activeDefragmentation:
            if refuses("activedefrag") { return false }
            return refuses("port") ? true : nil
        }
    }
}
