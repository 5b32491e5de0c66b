/// Keys whose values were large when they were last read: they are read over connections of their own from the start.
///
/// A key that is forgotten costs one more turn, no more; so there are few, and any of them makes room for a new one.
struct LargeKeys {
    /// Keys at the most.
    static let limit = 256
    /// Longer keys are not remembered.
    static let longestKey = 512

    private var keys: Set<[UInt8]> = []

    var isEmpty: Bool { keys.isEmpty }

    func contain(_ key: [UInt8]) -> Bool { !keys.isEmpty && keys.contains(key) }

    mutating func insert(_ key: [UInt8]) {
        guard key.count <= Self.longestKey else { return }
        if keys.count >= Self.limit, let other = keys.first { keys.remove(other) }
        keys.insert(key)
    }

    mutating func remove(_ key: [UInt8]) { if !keys.isEmpty { keys.remove(key) } }
}
