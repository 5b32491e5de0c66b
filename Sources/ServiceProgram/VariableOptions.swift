public import ArgumentParser
public import Settings

/// Flags that stand for variables.
public protocol VariableOptions: ParsableArguments {
    /// What was given, by the variable's name.
    var values: [String: String?] { get }
}

extension VariableOptions {
    public func validate() throws {
        for (name, value) in values where value == "" {
            throw ValidationError(
                "\(Variable.flag(of: name)) is empty; leave it out for \(name) or its default.")
        }
    }
}

extension ArgumentHelp {
    /// What the list of variables says of this one.
    public static func of(_ variable: Variable) -> ArgumentHelp {
        let lastWord = variable.name.split(separator: "_").last?.lowercased() ?? variable.name
        let valueName: String =
            switch variable.values {
            case .choice(let choices) where choices.count == 2: choices.joined(separator: "|")
            case .number where !["port", "seconds"].contains(lastWord): "number"
            default: lastWord
            }
        return ArgumentHelp(variable.help, valueName: valueName)
    }
}
