import FailoverAgent
import Foundation
import ReplicaReconciler
import Testing

/// What real servers said in states that fail-over has to tell apart; recorded with `Recorded/answers.txt`'s versions.
struct RecordedAnswer: Sendable, CustomTestStringConvertible {
    var version: String
    var state: String
    var sections: [[UInt8]]
    var refusesWrites: Bool

    var testDescription: String { "\(version) \(state)" }

    func answer() throws -> ServerAnswer {
        ServerAnswer(information: try #require(ServerInformation(parsing: sections)), refusesWrites: refusesWrites)
    }

    static let all: [RecordedAnswer] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Recorded/answers.txt")
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
        return text.split(separator: "== ").map { part in
            let lines = part.split(separator: "\n")
            let head = lines[0].split(separator: " ")
            var sections: [[UInt8]] = []
            for line in lines.dropFirst() {
                if line.hasPrefix("#") { sections.append([]) }
                sections[sections.count - 1] += Array("\(line)\r\n".utf8)
            }
            return RecordedAnswer(
                version: String(head[0]), state: String(head[1]), sections: sections,
                refusesWrites: head[2] == "2147483647" && head[3] != "0")
        }
    }()

    static func of(_ state: String) -> [RecordedAnswer] { all.filter { $0.state == state } }
}
