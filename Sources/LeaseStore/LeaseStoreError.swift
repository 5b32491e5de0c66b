/// Why the lease was not read or not written.
package enum LeaseStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The store holds another version than the one to replace. Nothing was written.
    case conflict
    /// No answer in time, or an answer that says "later". Whether a write happened is *not* known.
    case unavailable(String)
    /// The store knows us too little: the message names the right that is missing, and the cure. Nothing was written.
    case refused(String)
    /// What is there is no record of ours, or cannot be read, or the new record cannot be stored. Nothing was written:
    /// what another program keeps there is never replaced.
    case unreadable(String)

    package var description: String {
        switch self {
        case .conflict: "the lease has changed since it was read: another node was faster"
        case .unavailable(let reason), .refused(let reason), .unreadable(let reason): reason
        }
    }
}
