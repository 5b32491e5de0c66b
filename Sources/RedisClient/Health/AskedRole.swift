/// What the server that was asked last said it is, for those who count.
public enum AskedRole: UInt8, CaseIterable, Sendable {
    /// No server was asked.
    case none
    case master
    case replica
}
