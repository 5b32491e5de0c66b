/// The commands of a document's ```` ```console ```` blocks, each with the output that the document shows for it.
///
/// A command begins with `$ `. In the output, a line that is `…` alone stands for any lines, and a `…` within a line for
/// anything but a line's end.
struct ConsoleTranscript {
    struct Step: Equatable {
        /// Counted from 1.
        var line: Int
        /// Which of the document's blocks, counted from 1.
        var block = 0
        var command: String
        var output: [String] = []
    }

    private(set) var steps: [Step] = []

    init(_ document: String) {
        var isInBlock = false
        var block = 0
        for (index, line) in document.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                isInBlock = line == "```console"
                if isInBlock { block += 1 }
            } else if isInBlock, line.hasPrefix("$ ") {
                steps.append(Step(line: index + 1, block: block, command: String(line.dropFirst(2))))
            } else if isInBlock, !steps.isEmpty {
                steps[steps.count - 1].output.append(String(line))
            }
        }
    }

    /// The steps of those blocks in which nothing is asked of a cluster or of what it is made with.
    var stepsOfOneMachine: [Step] {
        let others = ["docker ", "kind ", "kubectl ", "make ", "microk8s ", "minikube "]
        let elsewhere = Set(
            steps.filter { step in others.contains { step.command.contains($0) } }.map(\.block))
        return steps.filter { !elsewhere.contains($0.block) }
    }

    /// Whether the output is what the document shows. White space at its end is not looked at, nor carriage returns.
    static func matches(_ shown: [String], _ output: String) -> Bool {
        var lines = output.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.last == "\r" ? String(line.dropLast()) : String(line)
        }
        // A carriage return and a line feed are one character of Swift's.
        lines = lines.flatMap { $0.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return matchesLines(shown[...], lines[...])
    }

    private static func matchesLines(_ shown: ArraySlice<String>, _ lines: ArraySlice<String>) -> Bool {
        guard let first = shown.first else { return lines.isEmpty }
        if first == "…" {
            return (lines.startIndex...lines.endIndex).contains { matchesLines(shown.dropFirst(), lines[$0...]) }
        }
        guard let line = lines.first, matchesLine(first, line) else { return false }
        return matchesLines(shown.dropFirst(), lines.dropFirst())
    }

    private static func matchesLine(_ shown: String, _ line: String) -> Bool {
        let pieces = shown.split(separator: "…", omittingEmptySubsequences: false)
        guard pieces.count > 1, let first = pieces.first, let last = pieces.last else { return shown == line }
        guard line.hasPrefix(first) else { return false }
        var rest = line.dropFirst(first.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let place = rest.firstRange(of: piece) else { return false }
            rest = rest[place.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
