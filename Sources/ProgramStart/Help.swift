/// The text that `--help` prints.
package enum Help {
    /// The usage before all else: what a reader looks for.
    ///
    /// - Parameter text: what ArgumentParser makes of a command: paragraphs, of which one begins with `USAGE: `. Any other text
    ///   stays as it is.
    package static func usageFirst(_ text: String) -> String {
        var paragraphs = text.split(separator: "\n\n", omittingEmptySubsequences: false)
        guard let place = paragraphs.firstIndex(where: { $0.hasPrefix("USAGE: ") }) else { return text }
        paragraphs.insert(paragraphs.remove(at: place), at: 0)
        return paragraphs.joined(separator: "\n\n")
    }
}
