/// The arguments: ours, the configuration's path, and redis-server's.
public struct Invocation: Equatable, Sendable {
    public enum Verb: String, Sendable, CaseIterable {
        case run, render, check, probe, help, version
    }

    /// How `check` speaks.
    public enum Format: String, Sendable, CaseIterable {
        case text, json
    }

    public var verb: Verb = .run
    /// Warnings stop the start too.
    package var isStrict = false
    /// `render` shows passwords.
    public var showsSecrets = false
    /// `check`'s output.
    public var format = Format.text
    /// `--on-empty` and `--guard-timeout`, as they were written; the planner judges them.
    public var onEmpty: [UInt8]?
    package var guardTimeout: [UInt8]?
    /// What `probe` asks; nil for every other verb.
    public var probe: ProbeOptions?
    /// The configuration named on the command line.
    public var configuration: [UInt8]?
    /// Passed to redis-server untouched, behind the configuration.
    public var serverArguments: [[UInt8]] = []

    /// Reads the arguments without the program's own name.
    ///
    /// A first argument that starts with `-` and is not ours belongs to redis-server, as does all that follows it or `--`.
    /// The word `redis-server` (or `valkey-server`) in front of the configuration is skipped: it is the official images' CMD.
    /// - Throws: ``PlanError/usage(_:)``.
    public init(_ arguments: [[UInt8]]) throws(PlanError) {
        var rest = arguments[...]
        if let word = rest.first, let verb = Self.verbs.first(where: { utf8($0.rawValue) == word }) {
            self.verb = verb
            rest.removeFirst()
            if verb == .probe, rest.first != utf8("--help") { probe = try ProbeOptions(takingFrom: &rest) }
        }
        while let argument = rest.first {
            if argument == utf8("--") {
                serverArguments = Array(rest.dropFirst())
                return
            }
            switch String(decoding: argument, as: UTF8.self) {
            case "--help", "-h": verb = .help
            case "--version": verb = .version
            case "--strict": isStrict = true
            case "--show-secrets": showsSecrets = true
            case "--format" where verb == .check:
                rest.removeFirst()
                guard let word = rest.first, let format = Format.allCases.first(where: { utf8($0.rawValue) == word })
                else { throw .usage("--format is followed by text or json") }
                self.format = format
            case let option where option == "--on-empty" || option.hasPrefix("--on-empty="):
                onEmpty = try Self.value(of: "--on-empty", takingFrom: &rest)
            case let option where option == "--guard-timeout" || option.hasPrefix("--guard-timeout="):
                guardTimeout = try Self.value(of: "--guard-timeout", takingFrom: &rest)
            case let option where option.hasPrefix("-"):
                if verb == .probe { throw .usage("probe has no option \(shown(argument))") }
                serverArguments = Array(rest)
                return
            case let word:
                if configuration != nil {
                    throw .usage("unexpected argument \(shown(argument)) behind the configuration")
                }
                let program = word.split(separator: "/").last
                if !["redis-server", "valkey-server", "redict-server"].contains(program) { configuration = argument }
            }
            rest.removeFirst()
        }
        if showsSecrets, verb != .render { throw .usage("--show-secrets belongs to render") }
    }

    /// What follows an option's `=`, or the argument behind it; the option itself stays the first of the rest.
    private static func value(
        of option: String, takingFrom rest: inout ArraySlice<[UInt8]>
    ) throws(PlanError) -> [UInt8] {
        if let word = rest.first, word.count > option.utf8.count { return Array(word[(option.utf8.count + 1)...]) }
        rest.removeFirst()
        guard let value = rest.first else { throw .usage("\(option) is followed by its value") }
        return value
    }

    private static let verbs: [Verb] = [.run, .render, .check, .probe]

    /// The verb that the name of a configuration most likely means, where there is no such file: at most two letters differ.
    static func verb(nearestTo name: [UInt8]) -> Verb? {
        guard name.count <= 8, !name.contains(UInt8(ascii: "/")), !name.contains(UInt8(ascii: ".")) else { return nil }
        return verbs.first { DirectiveTable.distance(name, utf8($0.rawValue)) <= ($0 == .run ? 1 : 2) }
    }
}
