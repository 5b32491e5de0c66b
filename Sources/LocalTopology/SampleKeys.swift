internal import Hiredis

/// Keys that are written to lose none of them: `sample-1`, `sample-2`, …, each with its own value.
public struct SampleKeys: Hashable, Sendable {
    public let count: Int

    /// Keys of one command, and commands of one connection.
    private static let keysPerCommand = 500
    private static let commandsPerConnection = 20

    public init(count: Int) { self.count = count }

    public static func name(_ number: Int) -> String { "sample-\(number)" }

    public static func value(_ number: Int) -> String { "value-\(number)" }

    /// Writes all of them to a server itself, since the apps are not what is tried here.
    public func write(to name: String, of cluster: LocalCluster) async throws {
        try await forEachConnection { numbers in
            let commands = numbers.map { batch in ["MSET"] + batch.flatMap { [Self.name($0), Self.value($0)] } }
            for reply in try await cluster.redis(name, commands, timeout: .seconds(10)) {
                if let error = reply.errorText { throw Refusal(node: name, command: "MSET", error: error) }
            }
        }
    }

    /// How many of them a server has, each with its own value.
    public func present(on name: String, of cluster: LocalCluster) async throws -> Int {
        var present = 0
        try await forEachConnection { numbers in
            let commands = numbers.map { batch in ["MGET"] + batch.map(Self.name) }
            let replies = try await cluster.redis(name, commands, timeout: .seconds(10))
            for (batch, reply) in zip(numbers, replies) {
                guard case .array(let values) = reply else {
                    throw Refusal(node: name, command: "MGET", error: reply.errorText ?? "\(reply)")
                }
                present += zip(batch, values).count { $1 == .bulk(Array(Self.value($0).utf8)) }
            }
        }
        return present
    }

    /// Hands out the numbers, those of a command together.
    private func forEachConnection(_ body: ([ClosedRange<Int>]) async throws -> Void) async throws {
        let step = Self.keysPerCommand * Self.commandsPerConnection
        for first in stride(from: 1, through: count, by: step) {
            try Task.checkCancellation()
            let last = min(first + step - 1, count)
            try await body(
                stride(from: first, through: last, by: Self.keysPerCommand).map {
                    $0...min($0 + Self.keysPerCommand - 1, last)
                })
        }
    }

    /// A server did not do what was asked.
    public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        public let node: String
        public let command: String
        public let error: String

        public var description: String { "\(node) refuses \(command): \(error)" }
    }
}
