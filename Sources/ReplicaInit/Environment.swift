/// The environment as the process got it: values are bytes, since a password may hold any.
public struct Environment: Equatable, Sendable {
    /// Each `NAME=VALUE`. A pod has a hundred of them and few are asked for: searching is cheaper than an index.
    private var entries: [[UInt8]]

    public init(entries: [[UInt8]] = []) { self.entries = entries }

    /// The value of a variable. Set but empty counts as not set: manifests leave variables empty to say so.
    public subscript(name: String) -> [UInt8]? {
        let name = name.utf8
        for entry in entries where entry.count > name.count + 1 && entry[name.count] == UInt8(ascii: "=") {
            if entry.starts(with: name) { return Array(entry[(name.count + 1)...]) }
        }
        return nil
    }
}
