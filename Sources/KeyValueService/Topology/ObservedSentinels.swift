import NIOCore
import RedisClient

extension ByteBuffer {
    /// What the Sentinels say, where they decide.
    mutating func write(_ report: SentinelReport) {
        writeStaticString("{\"master_name\":")
        writeJSON(report.masterName)
        writeStaticString(",\"master\":")
        writeJSON(report.master?.description)
        writeStaticString(",\"epoch\":")
        writeJSON(report.epoch.map { Int64(clamping: $0) })
        writeStaticString(report.isFailingOver ? ",\"failing_over\":true" : ",\"failing_over\":false")
        writeStaticString(",\"trouble\":")
        writeJSON(report.doubt)
        writeStaticString(",\"sentinels\":[")
        for (index, sentinel) in report.sentinels.enumerated() {
            writeStaticString(index == 0 ? "{\"endpoint\":" : ",{\"endpoint\":")
            writeJSON(sentinel.endpoint.description)
            writeStaticString(",\"state\":")
            writeJSON(sentinel.code)
            writeStaticString(",\"words\":")
            writeJSON(sentinel.words)
            writeStaticString(",\"epoch\":")
            writeJSON(sentinel.epoch.map { Int64(clamping: $0) })
            writeStaticString("}")
        }
        writeStaticString("]}")
    }
}
