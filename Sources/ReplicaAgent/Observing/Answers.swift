package import RedisClient
import RedisCore
import ReplicaReconciler

/// What is read out of a server's answers.
enum Answers {
    /// INFO's sections that make a ``ServerInformation``.
    static let informationCommands: [[[UInt8]]] = ["replication", "server", "persistence", "keyspace"].map {
        command("INFO", $0)
    }

    static func command(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }

    /// AUTH with each, the newest first as they are given.
    static func logins(_ credentials: [(user: [UInt8]?, password: [UInt8])]) -> [[[UInt8]]] {
        credentials.map { command("AUTH") + ($0.user.map { [$0] } ?? []) + [$0.password] }
    }

    static func information(_ values: some Collection<RedisValue>) -> Result<ServerInformation, Refusal> {
        for value in values {
            if case .error(let text) = value { return .failure(Refusal(text)) }
        }
        let sections = values.compactMap { if case .bulk(let text) = $0 { text } else { nil } }
        guard let information = ServerInformation(parsing: sections), information.hasKeyspace else {
            return .failure(Refusal(code: "", words: "gave an answer to INFO that cannot be read"))
        }
        return .success(information)
    }

    /// What is sent to servers, as rights of a user.
    static let rights = [
        "info", "role", "ping", "dbsize", "client|setname", "client|kill", "replicaof", "multi", "exec", "config|get",
        "config|set", "acl|setuser", "slaveof", "psync", "replconf", "bgsave", "publish", "subscribe",
    ]

    /// An error reply, as an operator has it explained. The server's own text may quote what it was sent.
    struct Refusal: Error, Equatable {
        let code: String
        let words: String
        /// The command that the server does not know.
        var unknownCommand: String?

        init(code: String, words: String) {
            self.code = code
            self.words = words
        }

        init(_ text: [UInt8]) {
            code = printable(text.prefix { $0 != UInt8(ascii: " ") }, limit: 32)
            unknownCommand = Self.unknownCommand(text)
            if let unknownCommand {
                words =
                    "does not know \(unknownCommand): its configuration renames it (rename-command); remove that line"
                return
            }
            let known = RedisErrorCode(of: text)
            words =
                switch known {
                case .needsPassword: "asks for a password that was not given, or refuses it"
                case .needsPermission:
                    "does not let this user run a command that is needed (ACL SETUSER … \(Self.rights(text)))"
                default: known?.words ?? "answers with -\(code)"
                }
        }

        /// ERR unknown command 'ROLE', with args beginning with: … The quotes are grave accents before 7.0, and what is behind
        /// the name may be a secret.
        private static func unknownCommand(_ text: [UInt8]) -> String? {
            let quotes = [UInt8(ascii: "'"), UInt8(ascii: "`")]
            guard text.starts(with: "ERR unknown command ".utf8), let begin = text.firstIndex(where: quotes.contains),
                let end = text[(begin + 1)...].firstIndex(where: quotes.contains)
            else { return nil }
            return printable(text[(begin + 1)..<end], limit: 64).uppercased()
        }

        /// What a user lacks who was told so. The server names the command in quotes; before 7.0 without its subcommand, so
        /// that more than one may be meant.
        private static func rights(_ text: [UInt8]) -> String {
            let quoted = String(decoding: text, as: UTF8.self).split(separator: "'", omittingEmptySubsequences: false)
            let lacking = quoted.lazy.map { name in
                Answers.rights.filter { $0 == name || $0.hasPrefix("\(name)|") }
            }.first { !$0.isEmpty }
            return (lacking ?? ["info", "role"]).map { "+\($0)" }.joined(separator: " ")
        }
    }
}

extension RedisValue {
    /// The reply's first word where it is an error.
    var errorCode: String? {
        guard case .error(let text) = self else { return nil }
        return Answers.Refusal(text).code
    }

    /// What an error says, without anything that it may quote.
    var refusal: Answers.Refusal? {
        guard case .error(let text) = self else { return nil }
        return Answers.Refusal(text)
    }

    /// The same in words that go on from "the server"; `nil` where it is no error.
    package var refusalWords: String? { refusal?.words }

    var text: String? {
        switch self {
        case .bulk(let bytes), .simple(let bytes): String(decoding: bytes, as: UTF8.self)
        case .error, .integer, .null, .array: nil
        }
    }
}
