/// The environment as the process got it: values are bytes, since a password may hold any.
public struct Environment: Equatable, Sendable {
    private var values: [String: [UInt8]]

    public init(_ values: [String: [UInt8]] = [:]) { self.values = values }

    /// The value of a variable. Set but empty counts as not set: manifests leave variables empty to say so.
    public subscript(name: String) -> [UInt8]? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }
}
