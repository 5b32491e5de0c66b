/// The files that a configuration may name, injected so that reading it stays a pure function.
///
/// Paths are bytes, absolute or relative to the folder redis-server starts in.
public protocol ConfigurationFiles {
    /// The bytes of a file.
    func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8]
    /// The names in a folder in any order, without `.` and `..`; none where it cannot be read.
    func names(inFolder path: [UInt8]) -> [[UInt8]]
    /// Whether anything is at this path.
    func exists(_ path: [UInt8]) -> Bool
}
