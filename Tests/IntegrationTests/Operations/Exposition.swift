/// Metrics in Prometheus's text format, read strictly: what the format allows and this reader does not is an error.
struct Exposition {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family {
        let name: String
        let kind: String
        var samples: [Sample] = []
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var families: [Family] = []

    init(_ text: String) throws(Failure) {
        guard text.hasSuffix("\n") else { throw Failure(description: "the last line has no end") }
        var helped: String?
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            switch (words.first, words.dropFirst().first) {
            case ("#", "HELP"):
                guard words.count == 4, !words[3].isEmpty, !words[3].contains("\\") else { throw bad(line) }
                helped = words[2]
            case ("#", "TYPE"):
                guard words.count == 4, words[2] == helped,
                    ["counter", "gauge", "histogram", "summary"].contains(words[3]),
                    Self.isName(words[2]),
                    (words[3] == "counter") == words[2].hasSuffix("_total") || Self.isExporters(words[2]),
                    !families.contains(where: { $0.name == words[2] })
                else { throw bad(line) }
                families.append(Family(name: words[2], kind: words[3]))
                helped = nil
            default:
                guard helped == nil else { throw bad(line) }
                try add(try Self.sample(line), line)
            }
        }
        for family in families where family.kind == "histogram" { try Self.check(family) }
    }

    /// The value of the one sample with this name and, among others perhaps, these labels.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = samples(name, labels)
        return found.count == 1 ? found[0].value : nil
    }

    /// The sum over all samples with this name and, among others, these labels.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        samples(name, labels).reduce(0) { $0 + $1.value }
    }

    func samples(_ name: String, _ labels: [String: String] = [:]) -> [Sample] {
        families.flatMap(\.samples).filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
    }

    private func bad(_ line: Substring) -> Failure { Failure(description: "a line that must not be: \(line)") }

    private mutating func add(_ sample: Sample, _ line: Substring) throws(Failure) {
        guard let family = families.last, sample.value >= 0 || family.kind == "gauge" else { throw bad(line) }
        let suffixes =
            switch family.kind {
            case "histogram": ["_bucket", "_sum", "_count"]
            case "summary": ["", "_sum", "_count"]
            default: [""]
            }
        guard suffixes.contains(where: { family.name + $0 == sample.name }),
            !family.samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels })
        else { throw bad(line) }
        families[families.count - 1].samples.append(sample)
    }

    /// Whether redis_exporter has chosen the name: its counters do not all end in `_total`, and some of its gauges do.
    static func isExporters(_ name: String) -> Bool {
        name.hasPrefix("redis_") && !name.hasPrefix("redis_replica_sidecar_")
    }

    private static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || 0x61...0x7A ~= $0 }
    }

    /// `name{label="value",…} number`
    private static func sample(_ line: Substring) throws(Failure) -> Sample {
        let failure = Failure(description: "not a sample: \(line)")
        let name = line.prefix { $0 != "{" && $0 != " " }
        var rest = line[name.endIndex...]
        var labels: [String: String] = [:]
        if rest.first == "{" {
            repeat {
                rest.removeFirst()
                let label = rest.prefix { $0 != "=" }
                rest = rest[label.endIndex...]
                guard isName(label), rest.hasPrefix("=\""), labels[String(label)] == nil else { throw failure }
                rest.removeFirst(2)
                guard let value = quoted(&rest) else { throw failure }
                labels[String(label)] = value
            } while rest.first == ","
            guard rest.first == "}" else { throw failure }
            rest.removeFirst()
        }
        guard isName(name), rest.first == " ", let value = Double(rest.dropFirst()) else { throw failure }
        return Sample(name: String(name), labels: labels, value: value)
    }

    /// Takes what stands before the next quote, and the quote.
    private static func quoted(_ text: inout Substring) -> String? {
        var value = ""
        while let character = text.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                switch text.popFirst() {
                case "n": value.append("\n")
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                default: return nil
                }
            default: value.append(character)
            }
        }
        return nil
    }

    /// Each histogram's buckets rise, with their bounds, to +Inf, which is its count.
    private static func check(_ family: Family) throws(Failure) {
        var groups: [[String: String]: [Sample]] = [:]
        for sample in family.samples { groups[sample.labels.filter { $0.key != "le" }, default: []].append(sample) }
        for (labels, samples) in groups {
            let failure = Failure(description: "\(family.name) \(labels) is no histogram")
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.compactMap { $0.labels["le"].flatMap { $0 == "+Inf" ? .infinity : Double($0) } }
            guard bounds.count == buckets.count, bounds.last == .infinity,
                zip(bounds, bounds.dropFirst()).allSatisfy(<),
                zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }),
                samples.count == buckets.count + 2,
                let count = samples.first(where: { $0.name.hasSuffix("_count") })?.value, count == buckets.last?.value,
                let sum = samples.first(where: { $0.name.hasSuffix("_sum") })?.value, (sum == 0) || count > 0
            else { throw failure }
        }
    }
}
