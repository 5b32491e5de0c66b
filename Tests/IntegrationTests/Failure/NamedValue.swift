/// The keys of the load, and values that name their key: `key-07#12#llll…`.
///
/// Every byte of a value follows from its key and its counter, so that an answer can be checked to its last byte.
enum NamedValue {
    /// Each key has one writer alone, so that the last write of a key is known.
    static let keyCount = 32
    static let keys = (0..<keyCount).map { "key-\($0 < 10 ? "0" : "")\($0)" }

    static func bytes(key: Int, counter: Int) -> [UInt8] {
        // One in 41 is larger than what the app copies into a connection's buffer.
        let length = counter % 41 == 40 ? 20_000 : counter % 61
        let padding = [UInt8](repeating: UInt8(ascii: "a") + UInt8(counter % 26), count: length)
        return Array("\(keys[key])#\(counter)#".utf8) + padding
    }

    /// The counter of a value, if the value is this key's own to the last byte.
    static func counter(of value: ArraySlice<UInt8>, key: Int) -> Int? {
        let prefix = Array("\(keys[key])#".utf8)
        guard value.starts(with: prefix) else { return nil }
        let digits = value.dropFirst(prefix.count).prefix { $0 != UInt8(ascii: "#") }
        guard digits.count <= 12, let counter = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        return value == bytes(key: key, counter: counter)[...] ? counter : nil
    }
}

/// What the writers have sent, and what was acknowledged to them, by key.
struct WriteLedger: Sendable {
    private(set) var sent = [Int](repeating: -1, count: NamedValue.keyCount)
    private(set) var acknowledged = [Int](repeating: -1, count: NamedValue.keyCount)

    mutating func nextCounter(of key: Int) -> Int {
        sent[key] += 1
        return sent[key]
    }

    mutating func acknowledge(_ counter: Int, of key: Int) { acknowledged[key] = counter }

    /// What a read may find once the key's writer rests and every replica is in step: the last acknowledged value, or a
    /// later one whose outcome the writer does not know.
    func mayHold(_ counter: Int, key: Int) -> Bool { acknowledged[key]...sent[key] ~= counter }
}
