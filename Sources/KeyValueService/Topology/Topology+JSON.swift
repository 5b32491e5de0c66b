import NIOCore
import RedisClient
import Replication
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
        body.writeStaticString("},\"master\":")
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
        body.writeStaticString("}")
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
    fileprivate mutating func writeJSON(_ text: String?) {
        if let text {
            writeStaticString("\"")
            writeJSONEscaped(text.utf8.span)
            writeStaticString("\"")
        } else {
            writeStaticString("null")
        }
    }

    /// Writes a number, or `null`.
    fileprivate mutating func writeJSON(_ number: Int64?) {
        if let number { writeString("\(number)") } else { writeStaticString("null") }
    }
}
