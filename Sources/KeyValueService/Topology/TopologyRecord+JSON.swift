import NIOCore

extension TopologyRecord {
    /// The five minutes and the time line of this process, as one JSON object.
    func historyJSON(of app: Topology.App) -> ByteBuffer {
        var body = ByteBuffer()
        let samples = samples.samples
        body.writeStaticString("{\"app\":{\"pod_ip\":")
        body.writeJSON(app.podIP)
        body.writeStaticString(",\"host_name\":")
        body.writeJSON(app.hostName)
        body.writeStaticString("},\"interval_seconds\":1,\"samples\":{\"at\":")
        body.writeJSONArray(samples) { $0.writeJSON($1.at.text) }
        body.writeStaticString(",\"reads_per_second\":")
        body.writeJSONArray(samples) { $0.writeJSON($1.reads) }
        body.writeStaticString(",\"writes_per_second\":")
        body.writeJSONArray(samples) { $0.writeJSON($1.writes) }
        body.writeStaticString(",\"errors_per_second\":")
        body.writeJSONArray(samples) { $0.writeJSON($1.errors) }
        body.writeStaticString(",\"p99_seconds\":")
        body.writeJSONArray(samples) { $0.writeJSON($1.p99) }
        body.writeStaticString(",\"lag_bytes\":{")
        for (index, endpoint) in Set(samples.flatMap(\.lags.keys)).sorted().enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeJSON(endpoint)
            body.writeStaticString(":")
            body.writeJSONArray(samples) { $0.writeJSON($1.lags[endpoint]) }
        }
        body.writeStaticString("}},\"timeline\":")
        body.writeJSONArray(timeline.entries) { $0.write($1) }
        body.writeStaticString("}")
        return body
    }

    /// What a stream is to be told besides topologies: the last sample, and what is new in the time line.
    var events: [ByteBuffer] {
        mutating get {
            var events: [ByteBuffer] = []
            for entry in takeTimelineChanges() {
                var event = ByteBuffer(string: "event: timeline\ndata: ")
                event.write(entry)
                event.writeStaticString("\n\n")
                events.append(event)
            }
            if let sample = samples.samples.last {
                var event = ByteBuffer(string: "event: sample\ndata: ")
                event.write(sample)
                event.writeStaticString("\n\n")
                events.append(event)
            }
            return events
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeJSONArray<Element>(
        _ elements: [Element], _ write: (inout ByteBuffer, Element) -> Void
    ) {
        writeStaticString("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { writeStaticString(",") }
            write(&self, element)
        }
        writeStaticString("]")
    }

    fileprivate mutating func write(_ sample: LoadSamples.Sample) {
        writeStaticString("{\"at\":")
        writeJSON(sample.at.text)
        writeStaticString(",\"reads_per_second\":")
        writeJSON(sample.reads)
        writeStaticString(",\"writes_per_second\":")
        writeJSON(sample.writes)
        writeStaticString(",\"errors_per_second\":")
        writeJSON(sample.errors)
        writeStaticString(",\"p99_seconds\":")
        writeJSON(sample.p99)
        writeStaticString(",\"lag_bytes\":{")
        for (index, lag) in sample.lags.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { writeStaticString(",") }
            writeJSON(lag.key)
            writeStaticString(":")
            writeJSON(lag.value)
        }
        writeStaticString("}}")
    }

    fileprivate mutating func write(_ entry: Timeline.Entry) {
        writeStaticString("{\"id\":")
        writeJSON(Int64(entry.id))
        writeStaticString(",\"at\":")
        writeJSON(entry.at.text)
        writeStaticString(",\"kind\":")
        writeJSON(entry.kind.rawValue)
        writeStaticString(",\"endpoint\":")
        writeJSON(entry.endpoint)
        writeStaticString(",\"text\":")
        writeJSON(entry.text)
        writeStaticString(",\"ended_at\":")
        writeJSON(entry.endedAt?.text)
        writeStaticString(",\"seconds\":")
        writeJSON(entry.endedAt.map { max(0, $0.seconds(since: entry.at)) })
        writeStaticString("}")
    }
}
