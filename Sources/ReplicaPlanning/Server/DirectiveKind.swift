import RedisConf

/// What the arguments of a directive have to be, as ``DirectiveTable`` writes it down.
enum DirectiveKind: Equatable {
    /// `b`: yes or no.
    case yesOrNo
    /// `e:a|b`: one of these words.
    case word([String])
    /// `w:a|b`: at least one of these words.
    case words([String])
    /// `i:low:high`: a whole number; an empty bound is that of 64 bits.
    case integer(ClosedRange<Int>)
    /// `m:low:high`: a number of bytes, with or without a unit. `p` takes a percentage too.
    case memory(ClosedRange<UInt64>, takesPercentage: Bool)
    /// `o:high`: the octal digits of a file's mode.
    case octal(to: Int)
    /// `s`: any one text; `f`: one without a slash; `l`: one of at most 512 bytes.
    case text, fileName, password
    /// `n:low:high`: as many arguments, of any kind.
    case anything(ClosedRange<Int>)
    /// `*name`: its own rule.
    case special(String)

    init(_ code: String) {
        let parts = code.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        func bound(_ index: Int, or value: Int) -> Int { index < parts.count ? Int(parts[index]) ?? value : value }
        switch parts[0] {
        case "b": self = .yesOrNo
        case "e": self = .word(parts[1].split(separator: "|").map(String.init))
        case "w": self = .words(parts[1].split(separator: "|").map(String.init))
        case "i": self = .integer(bound(1, or: .min)...bound(2, or: .max))
        case "m", "p":
            let high = parts.count > 2 ? UInt64(bound(2, or: .max)) : .max
            self = .memory(UInt64(max(0, bound(1, or: 0)))...high, takesPercentage: parts[0] == "p")
        case "o": self = .octal(to: bound(1, or: 0o777))
        case "s": self = .text
        case "f": self = .fileName
        case "l": self = .password
        case "n": self = .anything(bound(1, or: 0)...bound(2, or: .max))
        default: self = .special(String(parts[0].dropFirst()))
        }
    }
}

/// Why a server refuses the arguments of a directive that it knows.
public enum ArgumentFault: Equatable, Sendable {
    case count(String)
    /// What the value has to be.
    case value([UInt8], String)
}

extension DirectiveKind {
    /// What a server of one column refuses; nil where it takes the arguments.
    func fault(_ arguments: [[UInt8]], column: ServerColumn) -> ArgumentFault? {
        switch self {
        case .anything(let counts):
            return counts.contains(arguments.count) ? nil : .count("another number of arguments")
        case .special(let name): return DirectiveRule.fault(name, arguments, column: column)
        case .words(let choices):
            if arguments.isEmpty { return .count("at least one argument") }
            let wrong = arguments.first { word in !choices.contains { equalsIgnoringCase(word, $0) } }
            return wrong.map { .value($0, Self.listed(choices)) }
        default: break
        }
        guard arguments.count == 1, let value = arguments.first else { return .count("one argument") }
        guard let wanted = demand(value, column) else { return nil }
        return .value(value, wanted)
    }

    /// What is wanted instead of this value.
    private func demand(_ value: [UInt8], _ column: ServerColumn) -> String? {
        switch self {
        case .yesOrNo:
            return ["yes", "no"].contains { equalsIgnoringCase(value, $0) } ? nil : "yes or no"
        case .word(let choices):
            return choices.contains { equalsIgnoringCase(value, $0) } ? nil : Self.listed(choices)
        case .integer(let range):
            let words = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            return wholeNumber(value).map(range.contains) ?? false ? nil : words
        case .memory(let range, let takesPercentage):
            if takesPercentage, value.last == UInt8(ascii: "%"), let share = wholeNumber(Array(value.dropLast())) {
                return share >= 0 && share <= 100 ? nil : "a percentage up to 100%"
            }
            let percentage = takesPercentage ? " or a percentage such as 5%" : ""
            guard let bytes = memorySize(value, column: column) else {
                return "a size such as 100mb or 1gb\(percentage)"
            }
            return range.contains(bytes) ? nil : "from \(range.lowerBound) to \(range.upperBound) bytes\(percentage)"
        case .octal(let high):
            let words = "an octal number up to \(String(high, radix: 8))"
            // As strtoll reads it: blanks and a sign may stand in front. 6.x does not mind what stands behind.
            let trimmed = value.drop { $0 == 0x20 || (9...13).contains($0) }
            let digits = trimmed.first == UInt8(ascii: "+") ? trimmed.dropFirst() : trimmed
            let octal = digits.prefix { (0x30...0x37).contains($0) }
            guard octal.count == digits.count || (column.isBefore7 && digits.first != UInt8(ascii: "-")) else {
                return words
            }
            return octal.reduce(0, { min(1 << 20, $0 * 8 + Int($1 - 0x30)) }) <= high ? nil : words
        case .fileName:
            return value.contains(UInt8(ascii: "/")) ? "a file name without a folder" : nil
        case .password:
            return value.count > 512 ? "at most 512 bytes" : nil
        case .text, .words, .anything, .special:
            return nil
        }
    }

    static func listed(_ choices: [String]) -> String {
        choices.count == 1 ? choices[0] : choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
    }
}

/// A decimal number of 64 bits as the servers read one: a minus perhaps, no plus, no leading zero, nothing around it.
func wholeNumber(_ text: [UInt8]) -> Int? {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = isNegative ? text.dropFirst() : text[...]
    guard let first = digits.first, digits.count <= 19, first != 0x30 || text == [0x30] else { return nil }
    var result = 0
    for digit in digits {
        guard (0x30...0x39).contains(digit) else { return nil }
        let (shifted, overflow) = result.multipliedReportingOverflow(by: 10)
        let (sum, carry) =
            isNegative
            ? shifted.subtractingReportingOverflow(Int(digit - 0x30))
            : shifted.addingReportingOverflow(Int(digit - 0x30))
        if overflow || carry { return nil }
        result = sum
    }
    return result
}

/// A number of bytes with a unit: `k`, `m`, `g` count thousands, with a `b` behind them 1024.
///
/// No digits are 0, and what is too large wraps around: so the servers have it. 6.x counts with a sign, and refuses what
/// becomes negative.
func memorySize(_ text: [UInt8], column: ServerColumn) -> UInt64? {
    let digits = text.prefix { (0x30...0x39).contains($0) }
    let unit = Array(text[digits.endIndex...])
    let units: [(String, UInt64)] = [
        ("", 1), ("b", 1), ("k", 1000), ("kb", 1 << 10), ("m", 1_000_000), ("mb", 1 << 20), ("g", 1_000_000_000),
        ("gb", 1 << 30),
    ]
    guard let factor = units.first(where: { equalsIgnoringCase(unit, $0.0) })?.1 else { return nil }
    let most: UInt64 = column.isBefore7 ? UInt64(Int64.max) : .max
    var result: UInt64 = 0
    for digit in digits {
        let (shifted, overflow) = result.multipliedReportingOverflow(by: 10)
        let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit - 0x30))
        if overflow || carry || sum > most {
            if column == .valkey91 { return nil }
            result = most
            break
        }
        result = sum
    }
    let bytes = result &* factor
    return column.isBefore7 && bytes > most ? nil : bytes
}
