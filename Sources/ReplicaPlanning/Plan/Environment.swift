/// The environment as the process got it: values are bytes, since a password may hold any.
public struct Environment: Equatable, Sendable {
    /// Each `NAME=VALUE`. A pod has a hundred of them and few are asked for: searching is cheaper than an index.
    private var entries: [[UInt8]]

    /// Whether any name begins with `VALKEY_`: else nothing is searched twice.
    let hasValkeyNames: Bool

    public init(entries: [[UInt8]] = []) {
        self.entries = entries
        hasValkeyNames = entries.contains { $0.starts(with: "VALKEY_".utf8) }
    }

    /// The value of a variable. Set but empty counts as not set: manifests leave variables empty to say so.
    ///
    /// A variable `REDIS_…` may also be called `VALKEY_…`; see ``valkeyNames(of:)``.
    public subscript(name: String) -> [UInt8]? {
        get { given(name)?.value }
        set {
            for name in [name] + Self.valkeyNames(of: name) {
                let beginning = utf8(name + "=")
                entries.removeAll { $0.starts(with: beginning) }
            }
            if let newValue { entries.append(utf8(name + "=") + newValue) }
        }
    }

    /// The name under which a variable is set: its own, or the one it has for Valkey.
    func actualName(_ name: String) -> String { given(name)?.name ?? name }

    /// The value under exactly this name.
    func exact(_ name: String) -> [UInt8]? {
        let name = name.utf8
        for entry in entries where entry.count > name.count + 1 && entry[name.count] == UInt8(ascii: "=") {
            if entry.starts(with: name) { return Array(entry[(name.count + 1)...]) }
        }
        return nil
    }

    private func given(_ name: String) -> (name: String, value: [UInt8])? {
        let own = exact(name)
        // What Kubernetes puts there for a Service called redis says nothing.
        if let own, !hasValkeyNames || !Address.isServiceLink(own) { return (name, own) }
        for other in hasValkeyNames ? Self.valkeyNames(of: name) : [] {
            if let value = exact(other) { return (other, value) }
        }
        return own.map { (name, $0) }
    }
}
