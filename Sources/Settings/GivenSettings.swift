/// What flags and environment say for the variables of a program, read strictly: a value that cannot be meant is an error that
/// names it and the cure.
///
/// Pure: texts in, values out; an empty variable counts as unset, as Kubernetes writes an optional reference.
public struct GivenSettings: Sendable {
    /// The value given for a variable.
    struct Given {
        var text: String
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
    ///   - lookUp: asked for each of the variables, once; gives the flag's value where there is one.
    public init(
        of variables: VariableList, flags: Set<String>, lookUpName: (String) -> String? = { _ in nil },
        _ lookUp: (Variable) -> String?
    ) {
        self.variables = variables
        given = variables.reduce(into: [:]) { given, variable in
            let isFlag = flags.contains(variable.name)
            var found: [(name: String, text: String)] = []
            if let text = lookUp(variable), !text.isEmpty { found.append((variable.name, text)) }
            for name in isFlag ? [] : variable.valkeyNames {
                if let text = lookUpName(name), !text.isEmpty { found.append((name, text)) }
            }
            guard let first = found.first else { return }
            let other = found.first { $0.text != first.text }?.name
            given[variable.name] = Given(
                text: first.text, isFlag: isFlag, name: first.name,
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
