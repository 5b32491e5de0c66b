import ArgumentParser
import Configuration
import Glibc
public import Settings

extension GivenSettings {
    /// The flags, and the environment behind them.
    public init(of variables: VariableList, _ options: [any VariableOptions]) {
        let flags = options.reduce(into: [String: String]()) { flags, options in
            for case (let name, let text?) in options.values { flags[name] = text }
        }
        let values = flags.reduce(into: [AbsoluteConfigKey: ConfigValue]()) { values, flag in
            values[AbsoluteConfigKey(Self.components(of: flag.key))] = ConfigValue(.string(flag.value), isSecret: false)
        }
        let secrets = Set(variables.filter(\.isSecret).flatMap { [$0.name] + $0.valkeyNames })
        let reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: values),
            EnvironmentVariablesProvider(secretsSpecifier: .specific(secrets)),
        ])
        func text(_ name: String) -> String? {
            reader.string(forKey: ConfigKey(Self.components(of: name)), isSecret: secrets.contains(name))
        }
        self.init(of: variables, flags: Set(flags.keys), lookUpName: text, lookUpBytes: Self.environmentBytes) {
            text($0.name)
        }
    }

    /// A variable of the environment, of any bytes.
    private static func environmentBytes(_ name: String) -> [UInt8]? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }

    /// `redis`, `database` for `REDIS_DATABASE`.
    private static func components(of name: String) -> [String] {
        name.split(separator: "_").map { $0.lowercased() }
    }
}
