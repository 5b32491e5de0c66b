/// Every variable that a program has, in the order of its help text.
public struct VariableList: RandomAccessCollection, Sendable {
    private let variables: [Variable]
    private let byName: [String: Variable]

    /// - Parameter variables: of different names.
    public init(_ variables: [Variable]) {
        self.variables = variables
        byName = Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0) })
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { variables.count }
    public subscript(position: Int) -> Variable { variables[position] }

    /// The variable of this name, which has to be in the list.
    public subscript(name: String) -> Variable {
        guard let variable = byName[name] else { preconditionFailure("\(name) is not in the list of variables") }
        return variable
    }
}
