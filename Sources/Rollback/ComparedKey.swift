import RDBFile

/// A key of the file beside the same key of the server.
package struct ComparedKey: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        /// The server does not have it.
        case missing
        /// The server has it with another type, value or time of expiry.
        case differs
        /// It is there, and its value cannot be compared: of a module, or too large.
        case notCompared = "not-compared"
        case same
        /// Its time was over by the server's clock, so that it is missed by no one.
        case expired
    }

    package var state: State
    package var database: Int
    /// As the command TYPE has it.
    package var type: String
    /// What it takes in the file.
    package var bytes: Int
    /// The beginning alone where it is longer than 8 MiB.
    package var name: [UInt8]
}
