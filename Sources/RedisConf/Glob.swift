/// The pattern language of glob(3) as `include` uses it: `*`, `?`, `[…]` and `\`, one path component at a time.
enum Glob {
    /// Whether redis-server (7.0 and later) hands this path to glob(3).
    static func isPattern(_ path: [UInt8]) -> Bool {
        path.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// Whether a file name matches one component. A leading period must be matched by a period.
    static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        if name.first == UInt8(ascii: "."), pattern.first != UInt8(ascii: ".") { return false }
        var (nameIndex, patternIndex) = (0, 0)
        var retry: (name: Int, pattern: Int)?
        while nameIndex < name.count || patternIndex < pattern.count {
            if patternIndex < pattern.count {
                if pattern[patternIndex] == UInt8(ascii: "*") {
                    retry = (nameIndex + 1, patternIndex)
                    patternIndex += 1
                    continue
                }
                if nameIndex < name.count, let next = matchOne(name[nameIndex], pattern, at: patternIndex) {
                    nameIndex += 1
                    patternIndex = next
                    continue
                }
            }
            guard let back = retry, back.name <= name.count else { return false }
            (nameIndex, patternIndex) = back
            // The star is read again and takes one byte more.
        }
        return true
    }

    /// Matches one byte; returns where the pattern goes on, nil if it does not match.
    private static func matchOne(_ byte: UInt8, _ pattern: [UInt8], at index: Int) -> Int? {
        switch pattern[index] {
        case UInt8(ascii: "?"):
            return index + 1
        case UInt8(ascii: "["):
            guard let set = bracket(pattern, at: index) else { return byte == pattern[index] ? index + 1 : nil }
            return set.contains(byte) ? set.next : nil
        case Byte.backslash where index + 1 < pattern.count:
            return byte == pattern[index + 1] ? index + 2 : nil
        default:
            return byte == pattern[index] ? index + 1 : nil
        }
    }

    private struct Bracket {
        var ranges: [ClosedRange<UInt8>] = []
        var isNegated = false
        var next = 0

        func contains(_ byte: UInt8) -> Bool { ranges.contains { $0.contains(byte) } != isNegated }
    }

    /// The bracket expression that opens at `index`; nil where it never closes (then `[` is literal).
    private static func bracket(_ pattern: [UInt8], at opening: Int) -> Bracket? {
        var result = Bracket()
        var index = opening + 1
        if index < pattern.count, pattern[index] == UInt8(ascii: "!") || pattern[index] == UInt8(ascii: "^") {
            result.isNegated = true
            index += 1
        }
        let first = index
        while index < pattern.count {
            if pattern[index] == UInt8(ascii: "]"), index > first {
                result.next = index + 1
                return result
            }
            if pattern[index] == Byte.backslash, index + 1 < pattern.count { index += 1 }
            let low = pattern[index]
            var high = low
            if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-"),
                pattern[index + 2] != UInt8(ascii: "]")
            {
                high = pattern[index + 2]
                index += 2
            }
            if low <= high { result.ranges.append(low...high) }
            index += 1
        }
        return nil
    }

    /// The paths that match, sorted by their bytes; none is not an error.
    static func expand<Files: ConfigurationFiles>(_ pattern: [UInt8], in files: Files) -> [[UInt8]] {
        var found: [[UInt8]] = [pattern.first == Byte.slash ? [Byte.slash] : []]
        let components = pattern.split(separator: Byte.slash)
        for (depth, component) in components.enumerated() {
            let isLast = depth == components.count - 1
            var next: [[UInt8]] = []
            for folder in found {
                if isPattern(Array(component)) {
                    let names = files.names(inFolder: folder.isEmpty ? [UInt8(ascii: ".")] : folder)
                    next += names.filter { matches($0, Array(component)) }.map { join(folder, $0) }
                } else {
                    next.append(join(folder, Array(component)))
                }
            }
            found = isLast ? next.filter(files.exists) : next
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

/// `path` as seen from `folder`: itself where it is absolute.
func join(_ folder: [UInt8], _ path: [UInt8]) -> [UInt8] {
    if path.first == Byte.slash || folder.isEmpty { return path }
    return folder.last == Byte.slash ? folder + path : folder + [Byte.slash] + path
}
