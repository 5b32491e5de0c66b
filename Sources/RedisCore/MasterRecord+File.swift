extension MasterRecord {
    /// A record has no more bytes than this: what is longer is none.
    public static let maximumBytes = 64 << 10

    /// Reads what ``text`` writes. Words that are not known are ignored, so that a newer sidecar may add some.
    ///
    /// - Parameter bytes: the content of the file; any bytes are allowed.
    /// - Returns: `nil` where a line is missing or cannot be read.
    public init?(parsing bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes else { return nil }
        var lines = Lines()
        for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        where line.first != UInt8(ascii: "#") {
            lines.take(line.split(separator: UInt8(ascii: " ")))
        }
        guard !lines.hasFault, let following = lines.following, let author = lines.author,
            let configured = lines.configured, let serverRunID = lines.serverRunID
        else { return nil }
        self.init(
            following, by: author, superseding: lines.superseded, configured: configured, serverRunID: serverRunID,
            term: lines.term ?? 0)
    }

    public init?(parsing text: String) { self.init(parsing: Array(text.utf8)) }

    /// The record's file.
    public var text: String {
        let lines =
            ["replicaof \(following.fileWords)", "decided-by \(author.rawValue)"]
            + superseded.map { "supersedes \($0.fileWords)" }
            + ["configured \(configured.fileWords)", "server \(escaped(serverRunID))", "term \(term)"]
        return """
            # Written by redis-replica-sidecar. redis-replica-init follows it while its environment names a superseded master;
            # remove this file to have the environment decide again.
            \(lines.joined(separator: "\n"))

            """
    }
}

/// What the lines of a file say; of a word that comes twice the first one counts.
private struct Lines {
    var following: MasterRecord.Following?
    var author: MasterRecord.Author?
    var superseded: [MasterAddress] = []
    var configured: MasterAddress?
    var serverRunID: String?
    var term: UInt64?
    /// A known word with something behind it that cannot be read.
    var hasFault = false

    mutating func take(_ words: [ArraySlice<UInt8>]) {
        // A line of blanks has no word at all.
        guard let name = words.first else { return }
        let rest = words.dropFirst()
        switch String(decoding: name, as: UTF8.self) {
        case "replicaof":
            let isNobody = rest.elementsEqual(["no", "one"], by: { $0.elementsEqual($1.utf8) })
            following = noted(following, isNobody ? .nobody : address(rest).map { .master($0) })
        case "decided-by":
            author = noted(
                author, rest.first.flatMap { MasterRecord.Author(rawValue: String(decoding: $0, as: UTF8.self)) })
        case "supersedes":
            if let address = address(rest) { superseded.append(address) } else { hasFault = true }
        case "configured": configured = noted(configured, address(rest))
        // A server may not say its run id.
        case "server": serverRunID = noted(serverRunID, rest.first.map(unescaped) ?? "")
        case "term": term = noted(term, rest.count == 1 ? rest.first.flatMap(number) : nil)
        default: break
        }
    }

    private mutating func noted<Value>(_ before: Value?, _ value: Value?) -> Value? {
        if value == nil { hasFault = true }
        return before ?? value
    }
}

private func address(_ words: ArraySlice<ArraySlice<UInt8>>) -> MasterAddress? {
    guard words.count == 2, let host = words.first.flatMap(unescaped), !host.isEmpty,
        let port = words.last.flatMap(number), 1...65535 ~= port
    else { return nil }
    return MasterAddress(host: host, port: Int(port))
}

/// Decimal digits alone, of a number that fits.
private func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    guard !digits.isEmpty, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
    return UInt64(String(decoding: digits, as: UTF8.self))
}

/// Whether a line can hold a byte as it is.
private func isPlain(_ byte: UInt8) -> Bool { 0x21...0x7E ~= byte && byte != UInt8(ascii: "%") && byte != 0x22 }

private func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        if isPlain(byte) {
            bytes.append(byte)
        } else {
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// - Returns: `nil` for bytes that ``escaped(_:)`` does not write, and for what no configuration holds: NUL, line ends and what
///   is not UTF-8.
private func unescaped(_ word: ArraySlice<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var index = word.startIndex
    while index < word.endIndex {
        let byte = word[index]
        index += 1
        if byte == UInt8(ascii: "%"), let high = digit(word, at: index), let low = digit(word, at: index + 1) {
            bytes.append(high << 4 | low)
            index += 2
        } else {
            // A zone's sign may stand there as it is: an earlier version wrote it so.
            guard isPlain(byte) || byte == UInt8(ascii: "%") else { return nil }
            bytes.append(byte)
        }
    }
    guard !bytes.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    // What is not UTF-8 would have been repaired.
    return text.utf8.elementsEqual(bytes) ? text : nil
}

private func digit(_ word: ArraySlice<UInt8>, at index: Int) -> UInt8? {
    guard index < word.endIndex else { return nil }
    let byte = word[index]
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): return byte - UInt8(ascii: "A") + 10
    default: return nil
    }
}

extension MasterAddress {
    fileprivate var fileWords: String { "\(escaped(host)) \(port)" }
}

extension MasterRecord.Following {
    fileprivate var fileWords: String {
        switch self {
        case .master(let address): address.fileWords
        case .nobody: "no one"
        }
    }
}
