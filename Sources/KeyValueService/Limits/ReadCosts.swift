/// How many bytes the answers to reads are expected to have, as a value: by the key, by the client, and by what other clients
/// have asked for.
///
/// Of what is not known, few values are read at first, and more as they turn out to be small. Where they were bulky, or others
/// wait for their turn, the sizes of the next ones are asked for before they are read.
struct ReadCosts: Equatable, Sendable {
    /// Values from this size on are remembered, and take their turn.
    static let bulkyBytes = MemoryBudget.smallBytes
    /// What an unknown value is taken for at first, and at the least: with every one that is small it becomes less.
    private static let firstUnknownBytes = 128 << 10
    private static let leastUnknownBytes = 64 << 10
    /// At the most, so that a few seconds end an alarm.
    private static let mostUnknownBytes = 1 << 20
    /// From here on the sizes of unknown values are asked for.
    private static let alarmBytes = 2 * firstUnknownBytes
    /// Keys at the most; any of them makes room for a new one.
    static let keyLimit = 1024
    /// Longer keys are not remembered.
    static let longestKey = 512

    /// Keys whose values were bulky when they were last seen, with their sizes.
    private var keys: [[UInt8]: Int] = [:]
    /// What a value is taken for about which nothing is known.
    private(set) var unknownBytes = firstUnknownBytes

    /// Whether unknown values were bulky of late.
    var isAlarmed: Bool { unknownBytes >= Self.alarmBytes }

    /// Whether nothing is known to be bulky: what every read asks for.
    @inline(__always)
    var knowsNothing: Bool { keys.isEmpty }

    func bytes(of key: [UInt8]) -> Int? { keys.isEmpty ? nil : keys[key] }

    /// A value was read, or its size was asked for.
    mutating func note(_ key: [UInt8], bytes: Int) {
        if bytes < Self.bulkyBytes {
            if !keys.isEmpty { keys[key] = nil }
        } else if key.count <= Self.longestKey {
            if keys.count >= Self.keyLimit, keys[key] == nil, let other = keys.first?.key { keys[other] = nil }
            keys[key] = bytes
        }
    }

    /// The answer to a read has come about which nothing was known.
    mutating func met(unknown bytes: Int) {
        if bytes >= Self.bulkyBytes {
            unknownBytes = max(unknownBytes, min(bytes, Self.mostUnknownBytes))
        } else {
            unknownBytes = max(Self.leastUnknownBytes, unknownBytes - unknownBytes >> 4)
        }
    }

    /// Called once a second: what other clients asked for counts less with time.
    mutating func endSecond() {
        if isAlarmed { unknownBytes -= unknownBytes >> 2 }
    }
}
