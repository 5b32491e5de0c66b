/// What flags and environment say for the variables of a program, read strictly: a value that cannot be meant is an error that
/// names it and the cure.
///
/// Pure: texts in, values out; an empty variable counts as unset, as Kubernetes writes an optional reference.
public struct GivenSettings: Sendable {
    /// What somebody gave for a variable.
    struct Given {
        var text: String
        /// Whether by the flag, not in the environment.
        var isFlag: Bool
    }

    public let variables: VariableList
    private let given: [String: Given]

    /// - Parameters:
    ///   - flags: the names of the variables that were given by their flags.
    ///   - lookUp: asked for each of the variables, once; gives the flag's value where there is one.
    public init(of variables: VariableList, flags: Set<String>, _ lookUp: (Variable) -> String?) {
        self.variables = variables
        given = variables.reduce(into: [:]) { given, variable in
            guard let text = lookUp(variable), !text.isEmpty else { return }
            given[variable.name] = Given(text: text, isFlag: flags.contains(variable.name))
        }
    }

    /// The text as it was given; `nil` where nothing was, whatever the default.
    public func value(_ variable: String) -> String? { source(variable)?.text }

    func source(_ variable: String) -> Given? {
        assert(variables.contains { $0.name == variable }, "\(variable) is never looked up")
        return given[variable]
    }

    /// The variable as an error speaks of it.
    public func name(_ variable: String) -> SettingName {
        SettingName(variable, isFlag: source(variable)?.isFlag == true)
    }
}
