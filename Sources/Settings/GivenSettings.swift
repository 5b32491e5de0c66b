/// What flags and environment say for the variables of a program, read strictly: a value that cannot be meant is an error that
/// names it and the cure.
///
/// Pure: texts in, values out; an empty variable counts as unset, as Kubernetes writes an optional reference.
public struct GivenSettings: Sendable {
    /// The value given for a variable.
    struct Given {
        var text: String
        /// The same as it came, for a secret of the environment, which may be any bytes.
        var bytes: [UInt8]
        /// Whether by the flag, not in the environment.
        var isFlag: Bool
        /// The variable's own name, or the one that it has for Valkey.
        var name: String
        /// Another name of it that is set, too, and says something else.
        var otherName: String?
    }

    public let variables: VariableList
    private let given: [String: Given]

    /// - Parameters:
    ///   - flags: the names of the variables that were given by their flags.
    ///   - lookUpName: asked for other names that a variable has in the environment; see ``Variable/valkeyNames``.
    ///   - lookUpBytes: asked for secrets before the other two, by their names in the environment: a text is UTF-8.
    ///   - lookUp: asked for each of the variables, once; gives the flag's value where there is one.
    public init(
        of variables: VariableList, flags: Set<String>, lookUpName: (String) -> String? = { _ in nil },
        lookUpBytes: (String) -> [UInt8]? = { _ in nil },
        _ lookUp: (Variable) -> String?
    ) {
        self.variables = variables
        given = variables.reduce(into: [:]) { given, variable in
            let isFlag = flags.contains(variable.name)
            var found: [(name: String, bytes: [UInt8])] = []
            func find(_ name: String, _ text: @autoclosure () -> String?) {
                let raw = variable.isSecret && !isFlag ? lookUpBytes(name) : nil
                if let bytes = raw ?? text().map({ Array($0.utf8) }), !bytes.isEmpty { found.append((name, bytes)) }
            }
            find(variable.name, lookUp(variable))
            for name in isFlag ? [] : variable.valkeyNames { find(name, lookUpName(name)) }
            guard let first = found.first else { return }
            let other = found.first { $0.bytes != first.bytes }?.name
            given[variable.name] = Given(
                text: String(decoding: first.bytes, as: UTF8.self), bytes: first.bytes, isFlag: isFlag,
                name: first.name,
                otherName: variable.isSetByKubernetes ? nil : other)
        }
    }

    /// - Throws: where a variable is set under two names with different values.
    public func checkNames() throws(ConfigurationError) {
        for variable in variables { try checkName(variable.name) }
    }

    func checkName(_ variable: String) throws(ConfigurationError) {
        guard let given = source(variable), let other = given.otherName else { return }
        throw .differentNames(SettingName(given.name, isFlag: false), SettingName(other, isFlag: false))
    }

    /// The text as it was given; `nil` where none was, even if there is a default.
    public func value(_ variable: String) -> String? { source(variable)?.text }

    func source(_ variable: String) -> Given? {
        assert(variables.contains { $0.name == variable }, "\(variable) is never looked up")
        return given[variable]
    }

    /// The variable as an error speaks of it.
    public func name(_ variable: String) -> SettingName {
        SettingName(source(variable)?.name ?? variable, isFlag: source(variable)?.isFlag == true)
    }
}
