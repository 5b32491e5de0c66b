package import Failover

/// What agents say to each other, as messages on two channels of a redis-server.
///
/// The asking agent publishes a question on the *other* node's server, where that node's agent listens, and gets the answer
/// from the same server. So the server's own authentication and TLS cover both. Each question has a nonce: an answer to
/// another question, an old one, or one of another node does nothing.
package enum AgentMessage: Equatable, Sendable {
    package static let questions = "redis-replica-kit:failover:questions"
    package static let answers = "redis-replica-kit:failover:answers"

    /// Does the node `to` agree that `leader` leads in `term`, and take no lease for a while?
    case agree(nonce: String, to: String, leader: NodeID, term: UInt64)
    case agreed(nonce: String, from: String, term: UInt64)
    /// How far do the data of the node `to` go? For a server that was restarted and does not say it itself.
    case tellPosition(nonce: String, to: String)
    /// - Parameter run: the server's process that the position is of; ``noRun``: the node does not count its server's data, and
    ///   this is what its position file says.
    case position(nonce: String, from: String, run: String, DataPosition)

    package static let noRun = "-"
    /// No message is longer, in bytes.
    static let maximumBytes = 1024

    package var text: String {
        switch self {
        case .agree(let nonce, let to, let leader, let term):
            "agree \(nonce) \(to) \(term) \(leader.name) \(leader.pod) \(leader.start)"
        case .agreed(let nonce, let from, let term): "agreed \(nonce) \(from) \(term)"
        case .tellPosition(let nonce, let to): "tell-position \(nonce) \(to)"
        case .position(let nonce, let from, let run, let position):
            "position \(nonce) \(from) \(run) \(position.term) \(position.history) \(position.offset)"
        }
    }

    /// - Returns: `nil` for anything that is no message of ours.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes else { return nil }
        let words = String(decoding: bytes, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count > 2, words.allSatisfy({ !$0.isEmpty }) else { return nil }
        let message: AgentMessage? =
            switch (words[0], words.count) {
            case ("agree", 7):
                if let term = UInt64(words[3]), let start = UInt64(words[6]) {
                    .agree(
                        nonce: words[1], to: words[2], leader: NodeID(name: words[4], pod: words[5], start: start),
                        term: term)
                } else {
                    nil
                }
            case ("agreed", 4): UInt64(words[3]).map { .agreed(nonce: words[1], from: words[2], term: $0) }
            case ("tell-position", 3): .tellPosition(nonce: words[1], to: words[2])
            case ("position", 7):
                if let term = UInt64(words[4]), let offset = Int64(words[6]), offset >= 0 {
                    .position(
                        nonce: words[1], from: words[2], run: words[3],
                        DataPosition(term: term, history: words[5], offset: offset))
                } else {
                    nil
                }
            default: nil
            }
        // Every message has one form.
        guard let message, Array(message.text.utf8) == bytes else { return nil }
        self = message
    }

    /// 128 bits that no other question has.
    static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in String(generator.next(), radix: 16) }.joined(separator: "-")
    }
}
