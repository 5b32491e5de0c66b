import NIOCore
import NIOPosix
package import RedisClient
import RedisCore
package import ReplicaAgent

/// The server beside this process, asked from a thread that may wait.
///
/// Not thread-safe, and not `Sendable`: one thread asks.
package final class LiveServer {
    /// For the answers to one question; a server that gets no further for so long is not waited for.
    private static let limit: Duration = .seconds(15)
    /// What the answers to one question may take in memory together.
    private static let maximumBytes = 32 << 20
    private static let maximumElements = 1 << 17

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let eventLoop: any EventLoop
    private let connection: NIOLoopBoundBox<Connection>
    private var isConnected = false
    /// That of the connection.
    private var database = 0

    private struct Connection {
        let server: LocalServer
        var conversation: RedisConversation?
    }

    package init(_ access: LocalServerAccess) {
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        connection = NIOLoopBoundBox.makeBoxSendingValue(
            Connection(
                server: LocalServer(
                    endpoints: access.endpoints, credentials: access.credentials, tls: access.tls, eventLoop: eventLoop)
            ),
            eventLoop: eventLoop)
    }

    /// Ends the connection.
    package func close() {
        let connection = connection
        eventLoop.execute { connection.value.conversation?.close() }
        try? group.syncShutdownGracefully()
    }

    package func ask(_ command: String...) throws(RollbackError) -> RedisValue {
        let answers = try ask([command.map { Array($0.utf8) }], in: database)
        guard let answer = answers[0] else { throw .server("gave an answer to \(command[0]) that is too large") }
        if case .error(let text) = answer { throw .server(Self.words(text, of: command[0])) }
        return answer
    }

    /// - Parameter database: which one the commands are for.
    /// - Returns: an answer a command; `nil` for one that was too large to be taken.
    package func ask(_ commands: [[[UInt8]]], in database: Int) throws(RollbackError) -> [RedisValue?] {
        try connect(to: database)
        let bound = connection
        let result = wait(of: [RedisValue].self) { completion in
            guard let conversation = bound.value.conversation else { return completion(.failure(Self.lost)) }
            conversation.ask(
                commands, within: Self.limit, bytes: Self.maximumBytes, elements: Self.maximumElements,
                completion: completion)
        }
        switch result {
        case .success(let answers): return answers
        case .failure(let failure):
            isConnected = false
            guard failure.isTooLarge else { throw .server(failure.description) }
            guard commands.count > 1 else { return [nil] }
            // Which one it was, is found by halves.
            let middle = commands.count / 2
            return try ask(Array(commands[..<middle]), in: database) + ask(Array(commands[middle...]), in: database)
        }
    }

    private static let lost = RedisConversation.Failure(description: "ended the connection")

    private func connect(to database: Int) throws(RollbackError) {
        let bound = connection
        if !isConnected {
            let result = wait(of: Void.self) { completion in
                bound.value.conversation?.close()
                bound.value.server.converse { result in
                    bound.value.conversation = try? result.get()
                    completion(result.map { _ in () })
                }
            }
            if case .failure(let failure) = result { throw .server(failure.description) }
            isConnected = true
            self.database = 0
        }
        guard database != self.database else { return }
        let command = [Array("SELECT".utf8), Array("\(database)".utf8)]
        let result = wait(of: [RedisValue].self) { completion in
            guard let conversation = bound.value.conversation else { return completion(.failure(Self.lost)) }
            conversation.ask([command], within: Self.limit, completion: completion)
        }
        switch result {
        case .failure(let failure): throw .server(failure.description)
        case .success(let answers):
            if case .error(let text) = answers[0] {
                guard String(decoding: text, as: UTF8.self).contains("out of range") else {
                    throw .server(Self.words(text, of: "SELECT"))
                }
                throw .server(
                    "has no database \(database), and the file has; start it with more 'databases' to compare them")
            }
        }
        self.database = database
    }

    private func wait<Value: Sendable>(
        of type: Value.Type,
        _ body: @escaping @Sendable (@escaping (Result<Value, RedisConversation.Failure>) -> Void) -> Void
    ) -> Result<Value, RedisConversation.Failure> {
        let promise = eventLoop.makePromise(of: Value.self)
        eventLoop.execute { body { promise.completeWith($0.mapError { $0 as any Error }) } }
        do {
            return .success(try promise.futureResult.wait())
        } catch {
            return .failure((error as? RedisConversation.Failure) ?? Self.lost)
        }
    }

    /// An error reply in an operator's words: what follows its first word may quote what it was sent.
    static func words(_ text: [UInt8], of command: String) -> String {
        let all = String(decoding: text, as: UTF8.self)
        let code = String(all.prefix { $0.isLetter && $0.isASCII })
        let known = RedisErrorCode(of: text)
        return switch known {
        case .needsPassword:
            "asks for a password that was not given, or refuses it: set REDIS_PASSWORD_FILE as for its start"
        case .needsPermission:
            "does not let this user run \(command) on all keys (ACL SETUSER … +\(command.lowercased()) ~*)"
        case .loading: "is loading its data: try again when it is done"
        case .generic where all.hasPrefix("ERR unknown command"):
            "does not know \(command): its configuration renames it (rename-command); remove that line"
        default: known?.words ?? "answers \(command) with -\(code)"
        }
    }
}
