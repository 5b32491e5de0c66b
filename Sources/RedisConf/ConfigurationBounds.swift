/// How much a configuration may hold: the main file and all that it includes, as often as each is read.
///
/// Files have been seen of 100,000 lines. What is larger is no configuration, and would take the memory of a small container.
public struct ConfigurationBounds: Equatable, Sendable {
    public static let maximumBytes = 4 << 20
    /// Names and arguments: each takes some 150 bytes once it is read.
    static let maximumWords = 100_000

    private var bytes = 0
    private var words = 0

    /// Reads a file that no other one includes.
    public static func contents<Files: ConfigurationFiles>(
        ofFile path: [UInt8], in files: Files
    ) throws(FileProblem) -> [UInt8] {
        let contents = try files.contents(ofFile: path)
        var bounds = ConfigurationBounds()
        if let problem = bounds.take(contents) { throw problem }
        return contents
    }

    init() {}

    /// - Returns: why this file is too much, beside those that were read before; `nil` where it is not.
    mutating func take(_ contents: [UInt8]) -> FileProblem? {
        let together = bytes == 0 ? "" : " together with the files before it"
        bytes += contents.count
        // A file counts, also where it is empty.
        words += 1 + Self.words(in: contents.span)
        if bytes > Self.maximumBytes { return .tooLarge(bound: "\(Self.maximumBytes >> 20) MiB\(together)") }
        if words > Self.maximumWords { return .tooLarge(bound: "\(Self.maximumWords) words\(together)") }
        return nil
    }

    /// What stands between blanks, but for comments.
    private static func words(in contents: Span<UInt8>) -> Int {
        var words = 0
        var isInWord = false
        var isInComment = false
        var isLineEmpty = true
        for index in contents.indices {
            let byte = contents[index]
            if byte == Byte.newline {
                (isInWord, isInComment, isLineEmpty) = (false, false, true)
            } else if Byte.isSpace(byte) {
                isInWord = false
            } else if !isInComment, !isInWord {
                isInComment = isLineEmpty && byte == Byte.hash
                isLineEmpty = false
                if !isInComment {
                    isInWord = true
                    words += 1
                }
            }
        }
        return words
    }
}
