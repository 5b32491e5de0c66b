/// A variable of the environment, and the flag that wins over it.
public struct Variable: Sendable {
    /// What belongs together in the help text.
    public struct Group: Hashable, Sendable {
        /// As the help text has it.
        public let title: String

        public init(_ title: String) { self.title = title }
    }

    /// What may be given.
    public enum Values: Equatable, Sendable {
        case text
        /// Never shown, and never a flag: a command line is public.
        case secret
        case number(ClosedRange<Int>)
        case choice([String])

        public static let yesOrNo = Values.choice(["yes", "no"])
    }

    /// What counts where nothing is given.
    public enum Default: Equatable, Sendable, ExpressibleByStringLiteral {
        case nothing
        case value(String)
        /// What is found on the machine, or follows from something else.
        case described(String)

        public init(stringLiteral value: String) { self = .value(value) }
    }

    public let name: String
    public let group: Group
    /// A sentence, or two.
    public let meaning: String
    public let values: Values
    package let defaultValue: Default

    public init(
        _ name: String, _ group: Group, _ meaning: String, _ values: Values = .text,
        default defaultValue: Default = .nothing
    ) {
        self.name = name
        self.group = group
        self.meaning = meaning
        self.values = values
        self.defaultValue = defaultValue
    }

    public var isSecret: Bool { values == .secret }

    /// What the variable is called where Valkey's images and charts are used: `VALKEY_PASSWORD` for `REDIS_PASSWORD`.
    public var valkeyNames: [String] {
        let prefix = "REDIS_"
        guard name.hasPrefix(prefix) else { return [] }
        let rest = name.dropFirst(prefix.count)
        let master = "MASTER_"
        guard rest.hasPrefix(master) else { return ["VALKEY_\(rest)"] }
        return ["VALKEY_\(rest)", "VALKEY_PRIMARY_\(rest.dropFirst(master.count))"]
    }

    /// Whether Kubernetes sets it for a Service of that name, so that two of them say nothing of a mistake.
    var isSetByKubernetes: Bool { name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") }

    /// `--redis-database` for `REDIS_DATABASE`; `nil` for a secret.
    public var flag: String? { isSecret ? nil : Self.flag(of: name) }

    /// `--redis-database` for `REDIS_DATABASE`.
    public static func flag(of name: String) -> String {
        "--" + String(name.lowercased().map { $0 == "_" ? "-" : $0 })
    }

    /// The default, where it is known without looking at the machine.
    public var defaultText: String? {
        if case .value(let text) = defaultValue { text } else { nil }
    }

    /// The meaning, the name, what may be given, and the default: `The port. (PORT: 0…65535; default 8080)`.
    public var help: String {
        let takes: String? =
            switch values {
            case .text, .secret: nil
            case .number(let range): "\(range.lowerBound)…\(range.upperBound)"
            case .choice(let choices): choices.listed
            }
        let whenUnset: String? =
            switch defaultValue {
            case .nothing: nil
            case .value(let text), .described(let text): "default \(text)"
            }
        let rest = [takes, whenUnset].compactMap(\.self).joined(separator: "; ")
        return "\(meaning) (\(name)\(rest.isEmpty ? "" : ": \(rest)"))"
    }
}

extension [String] {
    /// `a, b or c`.
    public var listed: String {
        count < 2 ? joined() : dropLast().joined(separator: ", ") + " or " + self[count - 1]
    }
}
