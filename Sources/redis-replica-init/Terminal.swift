/// Standard output and standard error.
enum Terminal {
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
