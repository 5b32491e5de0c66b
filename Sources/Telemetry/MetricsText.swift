public import NIOCore

/// Metrics in Prometheus's text format, version 0.0.4, written one family after the other.
public struct MetricsText {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
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

    public mutating func add(_ labels: [Label], _ value: Int) { add("", labels, "\(value)") }

    public mutating func add(_ labels: [Label], _ value: Double) { add("", labels, "\(value)") }

    public mutating func add(_ value: Int) { add([], value) }

    public mutating func add(_ value: Double) { add([], value) }

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

    static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
