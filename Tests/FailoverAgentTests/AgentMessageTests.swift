import Failover
import FailoverAgent
import SeededRandomness
import Testing

@Suite("A message between agents")
struct AgentMessageTests {
    private static let messages: [AgentMessage] = [
        .agree(nonce: "1-2", to: "node-b", leader: NodeID(name: "node-a", pod: "uid", start: 7), term: .max),
        .agreed(nonce: "1-2", from: "node-b", term: 3),
        .tellPosition(nonce: "1-2", to: "node-b"),
        .position(nonce: "1-2", from: "b", run: "r", DataPosition(term: 3, history: "h", offset: .max)),
        .position(nonce: "1-2", from: "b", run: AgentMessage.noRun, DataPosition(term: 3, history: "h", offset: 0)),
    ]

    @Test("says the same when it is read", arguments: messages)
    func roundTrip(message: AgentMessage) {
        #expect(AgentMessage(parsing: Array(message.text.utf8)) == message)
    }

    @Test("that is cut off, longer, or has other bytes is none, or another one that was meant so", arguments: messages)
    func damage(message: AgentMessage) {
        let bytes = Array(message.text.utf8)
        for length in bytes.indices {
            let part = Array(bytes[..<length])
            if let other = AgentMessage(parsing: part) { #expect(Array(other.text.utf8) == part) }
        }
        #expect(AgentMessage(parsing: bytes + Array(" more".utf8)) == nil)
        #expect(AgentMessage(parsing: bytes + [10]) != message)
        #expect(AgentMessage(parsing: Array(repeating: 0x20, count: 2000)) == nil)
        var random = SplitMix64(seed: 4)
        for _ in 0..<2000 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            if let other = AgentMessage(parsing: damaged) { #expect(Array(other.text.utf8) == damaged) }
        }
    }
}
