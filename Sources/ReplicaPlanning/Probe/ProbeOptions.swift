/// What `probe` is asked.
public struct ProbeOptions: Equatable, Sendable {
    public enum Question: String, Sendable, CaseIterable {
        /// Is the process a server that answers?
        case live
        /// May it be given reads?
        case ready
        /// Is it a master or a replica?
        case role
    }

    public var question: Question
    /// The whole probe's, connecting included. Below kubelet's default of a second, so that there is a line why.
    public var timeoutMilliseconds = 900
    public var requiresLink = false
    public var maximumLagSeconds: Int64?
    public var maximumLagBytes: Int64?
    /// Asked instead of what the configuration says.
    public var socket: [UInt8]?
    public var host: [UInt8]?
    public var port: Int?

    public init(_ question: Question) { self.question = question }

    /// Reads the word and the options behind `probe`, and takes them off the arguments.
    /// - Throws: ``PlanError/usage(_:)``.
    init(takingFrom rest: inout ArraySlice<[UInt8]>) throws(PlanError) {
        guard let word = rest.popFirst(), let question = Question.allCases.first(where: { utf8($0.rawValue) == word })
        else { throw .usage("probe is followed by live, ready or role") }
        self.init(question)
        options: while let option = rest.first {
            switch String(decoding: option, as: UTF8.self) {
            case "--timeout": timeoutMilliseconds = try Self.milliseconds(try Self.value(of: &rest))
            case "--require-link":
                requiresLink = true
                rest.removeFirst()
            case "--max-lag-seconds": maximumLagSeconds = try Self.count(try Self.value(of: &rest))
            case "--max-lag-bytes": maximumLagBytes = try Self.count(try Self.value(of: &rest))
            case "--socket": socket = try Self.value(of: &rest)
            case "--host": host = try Self.value(of: &rest)
            case "--port":
                let text = try Self.value(of: &rest)
                guard let port = Address.port(text) else { throw .usage("\(shown(text)) is not a port") }
                self.port = port
            default: break options
            }
        }
        try check()
    }

    private func check() throws(PlanError) {
        if question != .ready, requiresLink || maximumLagSeconds != nil || maximumLagBytes != nil {
            throw .usage("--require-link, --max-lag-seconds and --max-lag-bytes belong to probe ready")
        }
    }

    /// The argument behind the option in front; both are taken.
    private static func value(of rest: inout ArraySlice<[UInt8]>) throws(PlanError) -> [UInt8] {
        let option = rest.removeFirst()
        guard let value = rest.popFirst(), !value.isEmpty else { throw .usage("\(shown(option)) needs a value") }
        return value
    }

    private static func count(_ text: [UInt8]) throws(PlanError) -> Int64 {
        guard let count = number(text) else { throw .usage("\(shown(text)) is not a number") }
        return Int64(count)
    }

    /// `900ms`, `2s`, or seconds without a unit: above zero, at most an hour.
    private static func milliseconds(_ text: [UInt8]) throws(PlanError) -> Int {
        let digits = Array(text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        let factor: Int? =
            switch String(decoding: text[digits.count...], as: UTF8.self) {
            case "ms": 1
            case "s", "": 1000
            default: nil
            }
        guard let factor, let count = number(digits), count > 0, count * factor <= 3_600_000 else {
            throw .usage("\(shown(text)) is not a time such as 900ms or 2s")
        }
        return count * factor
    }
}
