public import NIOCore

/// Metrics in Prometheus's text format, version 0.0.4, written one family after the other.
public struct MetricsText {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram, summary
    }

    public typealias Label = (name: StaticString, value: String)

    public private(set) var buffer = ByteBuffer()
    private var name = ""

    public init() {}

    /// Begins a family; the samples that follow belong to it.
    ///
    /// - Parameter help: one line, without a backslash.
    public mutating func begin(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        self.name = "\(name)"
        buffer.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// The same with a name that is put together.
    ///
    /// - Parameters:
    ///   - name: of letters, digits and `_`.
    ///   - help: one line, without a backslash.
    public mutating func begin(_ name: String, _ kind: Kind, help: String) {
        self.name = name
        buffer.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    public mutating func add(_ labels: [Label], _ value: Int) { add("", labels, "\(value)") }

    public mutating func add(_ labels: [Label], _ value: Double) { add("", labels, "\(value)") }

    public mutating func add(_ value: Int) { add([], value) }

    public mutating func add(_ value: Double) { add([], value) }

    /// Adds a number in the digits that it came in.
    public mutating func add(_ labels: [Label] = [], number: MetricsNumber) { add("", labels, number.text) }

    /// Adds a summary.
    ///
    /// - Parameter quantiles: each with its value, as text that is a number.
    public mutating func add(
        _ labels: [Label], quantiles: [(quantile: MetricsNumber, value: MetricsNumber)], sum: MetricsNumber,
        count: MetricsNumber
    ) {
        for (quantile, value) in quantiles { add("", labels + [("quantile", quantile.text)], value.text) }
        add("_sum", labels, sum.text)
        add("_count", labels, count.text)
    }

    /// Adds a histogram, each bucket with all that are below it.
    public mutating func add(_ labels: [Label], _ histogram: DurationHistogram) {
        var sum = 0
        for (bound, count) in zip(DurationHistogram.bounds, histogram.counts) {
            sum += count
            add("_bucket", labels + [("le", "\(bound.text)")], "\(sum)")
        }
        add("_bucket", labels + [("le", "+Inf")], "\(histogram.count)")
        add("_sum", labels, "\(Double(histogram.sumNanoseconds) / 1e9)")
        add("_count", labels, "\(histogram.count)")
    }

    private mutating func add(_ suffix: StaticString, _ labels: [Label], _ value: String) {
        buffer.writeString("\(name)\(suffix)")
        for (index, label) in labels.enumerated() {
            buffer.writeString("\(index == 0 ? "{" : ",")\(label.name)=\"\(Self.escaped(label.value))\"")
        }
        buffer.writeString(labels.isEmpty ? " \(value)\n" : "} \(value)\n")
    }

    /// The most bytes of a label's value; what is longer ends in `…`.
    private static let longestLabel = 256

    /// The inside of a label's value. What a terminal obeys or what turns text around stands as `\x1b` or `\u202e`.
    static func escaped(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            0x20...0x7E ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain, value.utf8.count <= longestLabel { return value }
        var escaped = ""
        var bytes = 0
        for character in value.unicodeScalars {
            let text = Self.escaped(character)
            bytes += text.utf8.count
            guard bytes <= longestLabel else { return escaped + "…" }
            escaped += text
        }
        return escaped
    }

    private static func escaped(_ character: Unicode.Scalar) -> String {
        switch character {
        case "\\": return "\\\\"
        case "\"": return "\\\""
        case "\n": return "\\n"
        default: break
        }
        let digits = String(character.value, radix: 16)
        switch character.properties.generalCategory {
        case .control where character.isASCII: return "\\\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
        case .control, .format, .lineSeparator, .paragraphSeparator:
            return "\\\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        default: return String(character)
        }
    }
}

/// A number in decimal digits, formatted elsewhere.
public struct MetricsNumber: Equatable, Sendable {
    public let text: String

    /// - Returns: `nil` for what is no number, and for one that is not finite.
    public init?(_ text: some StringProtocol) {
        let digits = Set("0123456789.-+eE".utf8)
        guard !text.isEmpty, text.utf8.count <= 32, text.utf8.allSatisfy(digits.contains), let value = Double(text),
            value.isFinite
        else { return nil }
        self.text = String(text)
    }

    public init(_ value: Int) { text = "\(value)" }

    public var value: Double { Double(text) ?? 0 }
}
