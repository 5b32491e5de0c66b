import NIOCore
import RedisClient

/// Which node leads, where the app finds the leader among all nodes.
struct ObservedLeader: Equatable, Sendable {
    var endpoint: RedisEndpoint?
    /// In words for an operator; `nil` while a node takes writes.
    var trouble: String?
    var since: WallTime
    var gapNanoseconds: Int64?
    /// How often a node has begun to take writes.
    var number: Int
    var waitingWrites: Int
    var waitedWrites: Int

    /// - Parameter now: of the clock that the report counts by.
    init(_ report: LeaderReport, waiting: Int, waited: Int, at now: NIODeadline) {
        endpoint = report.endpoint
        trouble = report.absence?.words
        let age = Int64(clamping: now.uptimeNanoseconds) - report.sinceNanoseconds
        let ago = report.sinceNanoseconds == 0 ? 0 : max(0, age) / 1_000_000
        since = WallTime(milliseconds: WallTime.now.milliseconds - ago).second
        gapNanoseconds = report.gapNanoseconds
        number = report.number
        waitingWrites = waiting
        waitedWrites = waited
    }
}

extension ByteBuffer {
    mutating func write(_ leader: ObservedLeader) {
        writeStaticString(",\"leader\":{\"endpoint\":")
        writeJSON(leader.endpoint?.description)
        writeStaticString(leader.trouble == nil ? ",\"takes_writes\":true" : ",\"takes_writes\":false")
        writeStaticString(",\"trouble\":")
        writeJSON(leader.trouble)
        writeStaticString(",\"since\":")
        writeJSON(leader.since.text)
        writeStaticString(",\"gap_seconds\":")
        writeJSON(leader.gapNanoseconds.map { Double($0) / 1e9 })
        writeStaticString(",\"waiting_writes\":")
        writeJSON(Int64(leader.waitingWrites))
        writeStaticString(",\"waited_writes\":")
        writeJSON(Int64(leader.waitedWrites))
        writeStaticString("}")
    }
}
