import Glibc
public import Logging
import Synchronization

/// The form of the log.
public enum LogFormat: String, Sendable {
    /// An object a line, for machines.
    case json
    /// For people.
    case text

    /// Text where a person reads along.
    public static var ofStandardError: LogFormat { isatty(STDERR_FILENO) == 1 ? .text : .json }

    /// What writes the log to stderr in this form.
    public func makeHandler(label: String) -> any LogHandler {
        switch self {
        case .json: JSONLogHandler(label: label)
        case .text: TextLogHandler(label: label, usesColours: Self.hasColours)
        }
    }

    /// Whether stderr is a terminal whose user wants colours (https://no-color.org).
    private static let hasColours: Bool = {
        guard isatty(STDERR_FILENO) == 1 else { return false }
        func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
        return (variable("NO_COLOR") ?? "").isEmpty && !["", "dumb"].contains(variable("TERM") ?? "")
    }()
}

/// The process's stderr, line by line.
public enum StandardError {
    /// A pipe may take a long line in pieces (POSIX, `write`: more than PIPE_BUF bytes), between which no other line may come.
    private static let isBusy = Mutex(())

    /// Writes the whole line, its end included, with one write(2) if the system takes it so. What cannot be written is lost:
    /// there is nothing left to report it to.
    public static func write(_ line: [UInt8]) {
        isBusy.withLock { _ in
            var written = 0
            while written < line.count {
                let count = unsafe line.withUnsafeBytes {
                    unsafe Glibc.write(STDERR_FILENO, $0.baseAddress?.advanced(by: written), $0.count - written)
                }
                if count > 0 { written += count } else if count == 0 || !mayGoOn(errno) { return }
            }
        }
    }

    private static func mayGoOn(_ code: CInt) -> Bool {
        if code == EINTR { return true }
        guard code == EAGAIN else { return false }
        // Another program made it non-blocking. A second is long enough for the reader.
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, 1000) == 1
    }
}
