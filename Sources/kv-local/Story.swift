internal import SystemPackage

/// What people see, line by line and at once, also through a pipe.
enum Story {
    static func tell(_ text: String) { write(text, to: .standardOutput) }

    static func complain(_ text: String) { write(text, to: .standardError) }

    /// A terminal that is gone is no reason to stop in the middle of cleaning up.
    private static func write(_ text: String, to output: FileDescriptor) {
        _ = try? output.writeAll((text + "\n").utf8)
    }
}
