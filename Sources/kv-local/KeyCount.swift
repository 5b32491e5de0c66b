/// How many of the drill's keys each server has; thrown where that is not all of them.
struct KeyCount: Error, CustomStringConvertible {
    let expected: Int
    var servers: [(name: String, keys: Int)] = []

    var isWhole: Bool { servers.allSatisfy { $0.keys == expected } }

    var description: String {
        servers.filter { $0.keys != expected }
            .map { "\(expected - $0.keys) of \(expected) keys are missing on \($0.name)" }.joined(separator: "\n")
    }
}
