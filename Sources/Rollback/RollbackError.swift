package import RDBFile

/// Why rollback files cannot be listed or compared.
package enum RollbackError: Error, Sendable {
    /// A file or folder cannot be opened.
    case unreachable(path: String, reason: String)
    /// The file is damaged, or none of ours.
    case file(path: String, RDBFileError)
    /// The server cannot be asked; goes on from "the server".
    case server(String)
    /// The output is closed or full.
    case output(String)
}

extension RollbackError: CustomStringConvertible {
    /// One line.
    package var description: String {
        switch self {
        case .unreachable(let path, let reason): "cannot read '\(path)': \(reason)"
        case .file(let path, let error): "the file '\(path)' \(error)"
        case .server(let words): "the server \(words)"
        case .output(let reason): "cannot write the output: \(reason)"
        }
    }
}
