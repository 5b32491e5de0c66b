import NIOCore
import RedisClient
import RedisCore
import Telemetry

extension Topology {
    /// One JSON object, in compact form.
    var json: ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"app\":{\"pod_ip\":")
        body.writeJSON(app.podIP)
        body.writeStaticString(",\"host_name\":")
        body.writeJSON(app.hostName)
        body.writeStaticString(",\"version\":")
        body.writeJSON(app.version)
        body.writeStaticString(",\"streams\":")
        body.writeJSON(Int64(app.streams))
        body.writeStaticString("}")
        if let at, let verdict { write(verdict, at: at, into: &body) }
        if let leader { body.write(leader) }
        if let sentinel {
            body.writeStaticString(",\"sentinel\":")
            body.write(sentinel)
        }
        body.writeStaticString(",\"master\":")
        write(master, into: &body) { Self.writeMaster($0, into: &$1) }
        body.writeStaticString(",\"replicas\":[")
        for (index, replica) in replicas.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            write(replica, into: &body) { writeReplica($0, into: &$1) }
        }
        body.writeStaticString("]}")
        return body
    }

    /// What master and replicas have in common, around what they have not.
    private func write(
        _ server: ObservedServer, into body: inout ByteBuffer, own: (ObservedServer, inout ByteBuffer) -> Void
    ) {
        body.writeStaticString("{\"endpoint\":")
        body.writeJSON(server.endpoint.description)
        body.writeStaticString(",\"state\":")
        body.writeJSON(server.state)
        body.writeStaticString(server.isServing ? ",\"serving\":true" : ",\"serving\":false")
        body.writeStaticString(",\"role\":")
        body.writeJSON(server.information.map { $0.role == .master ? "master" : "replica" })
        own(server, &body)
        body.writeStaticString(",\"in_flight\":")
        body.writeJSON(Int64(server.inFlight))
        body.writeStaticString(",\"reads\":")
        body.writeJSON(Int64(server.reads))
        body.writeStaticString(",\"configured_as\":")
        body.writeJSON(server.configuredAs.rawValue)
        body.writeStaticString(",\"standing\":")
        body.writeJSON(server.standing.rawValue)
        body.writeStaticString(",\"since\":")
        body.writeJSON(server.since?.text)
        body.writeStaticString(",\"last_known_at\":")
        body.writeJSON(server.lastKnownAt?.text)
        body.writeStaticString("}")
    }

    private func write(_ verdict: Verdict, at: WallTime, into body: inout ByteBuffer) {
        body.writeStaticString(",\"at\":")
        body.writeJSON(at.text)
        body.writeStaticString(",\"verdict\":{\"state\":")
        body.writeJSON(verdict.isFailing ? "failing" : verdict.isDegraded ? "degraded" : "ok")
        body.writeStaticString(",\"writes\":{")
        body.write(verdict.writes)
        body.writeStaticString("},\"reads\":{")
        body.write(verdict.reads)
        body.writeStaticString(",\"serving\":")
        body.writeJSON(Int64(verdict.readServers))
        body.writeStaticString(",\"of\":")
        body.writeJSON(Int64(verdict.servers))
        body.writeStaticString("},\"stale_share\":")
        body.writeJSON(verdict.staleShare)
        body.writeStaticString(",\"worst_lag_bytes\":")
        body.writeJSON(worstLagBytes)
        body.writeStaticString(",\"worst_lag_seconds\":")
        body.writeJSON(worstLagNanoseconds.map { Double($0) / 1e9 })
        body.writeStaticString(",\"reads_per_second\":")
        body.writeJSON(verdict.last?.reads)
        body.writeStaticString(",\"writes_per_second\":")
        body.writeJSON(verdict.last?.writes)
        body.writeStaticString(",\"errors_per_second\":")
        body.writeJSON(verdict.last?.errors)
        body.writeStaticString(",\"p99_seconds\":")
        body.writeJSON(verdict.last?.p99)
        body.writeStaticString("},\"farthest\":")
        if let farthest {
            body.writeStaticString("{\"endpoint\":")
            body.writeJSON(farthest.endpoint.description)
            body.writeStaticString(",\"behind_bytes\":")
            body.writeJSON(farthest.behindBytes)
            body.writeStaticString("}")
        } else {
            body.writeStaticString("null")
        }
    }

    private static func writeMaster(_ server: ObservedServer, into body: inout ByteBuffer) {
        let info = server.information
        body.writeStaticString(",\"replication_id\":")
        body.writeJSON(info.flatMap { $0.replicationID.isEmpty ? nil : $0.replicationID })
        body.writeStaticString(",\"offset\":")
        body.writeJSON(info?.offset)
        body.writeStaticString(",\"connected_replicas\":")
        body.writeJSON(info.map { Int64($0.replicas.count) })
    }

    private func writeReplica(_ server: ObservedServer, into body: inout ByteBuffer) {
        let info = server.information
        body.writeStaticString(",\"link\":")
        body.writeJSON(info?.masterLink?.inWord)
        body.writeStaticString(",\"applied_offset\":")
        body.writeJSON(info?.appliedOffset)
        body.writeStaticString(",\"lag_bytes\":")
        body.writeJSON(lagBytes(of: server))
        body.writeStaticString(",\"last_io_seconds\":")
        body.writeJSON(info?.masterLink?.silentSeconds)
    }
}

extension ReplicationInfo.MasterLink {
    fileprivate var inWord: String { isUp ? "up" : isSynchronising ? "synchronising" : "down" }
}

extension ByteBuffer {
    /// Writes a string with its quotes, or `null`.
    mutating func writeJSON(_ text: String?) {
        if let text {
            writeStaticString("\"")
            writeJSONEscaped(shown: text.utf8.span)
            writeStaticString("\"")
        } else {
            writeStaticString("null")
        }
    }

    /// Writes a number, or `null`.
    mutating func writeJSON(_ number: Int64?) {
        if let number { writeString("\(number)") } else { writeStaticString("null") }
    }

    /// Writes a number, 0 or more, to a millionth, or `null`.
    mutating func writeJSON(_ number: Double?) {
        guard let number, number.isFinite else {
            writeStaticString("null")
            return
        }
        let scaled = Int64((number * 1_000_000).rounded().clamped)
        let whole = scaled / 1_000_000
        var digits = String(scaled.magnitude % 1_000_000)
        digits = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while digits.hasSuffix("0"), digits.utf8.count > 1 { digits.removeLast() }
        writeString("\(whole).\(digits)")
    }

    fileprivate mutating func write(_ acceptance: TopologyRecord.Acceptance) {
        writeStaticString(acceptance.isAccepted ? "\"accepted\":true,\"since\":" : "\"accepted\":false,\"since\":")
        writeJSON(acceptance.since.text)
        writeStaticString(",\"reason\":")
        writeJSON(acceptance.reason)
    }
}

extension Double {
    /// Within what an `Int64` holds; never below zero.
    fileprivate var clamped: Double { min(max(self, 0), 9e15) }
}
