/// A variable as an error speaks of it: by its flag too, where the value came by the flag.
public struct SettingName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let variable: String
    public let isFlag: Bool

    public init(_ variable: String, isFlag: Bool) {
        self.variable = variable
        self.isFlag = isFlag
    }

    public init(stringLiteral variable: String) { self.init(variable, isFlag: false) }

    public var description: String { isFlag ? "\(Variable.flag(of: variable)) (\(variable))" : variable }
}
