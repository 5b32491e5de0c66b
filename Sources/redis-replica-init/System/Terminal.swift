import Glibc
import ReplicaPlanning

/// Standard output and standard error.
enum Terminal {
    /// Whether the output is a terminal whose user wants colours (https://no-color.org).
    static var hasColours: Bool {
        guard isatty(1) == 1, Host.environment["NO_COLOR"]?.isEmpty ?? true else { return false }
        return Host.environment["TERM"].map { $0 != Array("dumb".utf8) } ?? false
    }

    static func print(_ text: String) { print(Array(text.utf8)) }

    /// Bytes to standard output; a reader that went away is no problem of ours.
    static func print(_ bytes: [UInt8]) { try? System.write(bytes, to: 1, path: "standard output") }

    /// Lines to standard error, each under the program's name, in one write each.
    static func complain(_ lines: [String]) {
        for line in lines {
            try? System.write(Array("redis-replica-init: \(line)\n".utf8), to: 2, path: "standard error")
        }
    }
}
