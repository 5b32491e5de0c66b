import NIOCore
import Telemetry

/// A key and its value as JSON, up to the time to live, which comes behind the value.
struct KeyDocument {
    let tag: KeyTag
    private var text = ByteBuffer()

    init(key: Span<UInt8>, value: Span<UInt8>) {
        tag = KeyTag(of: value)
        text.writeStaticString("{")
        text.writeJSONMember("key", key)
        text.writeStaticString(",")
        text.writeJSONMember("value", value)
        text.writeStaticString(",\"etag\":\"")
        text.writeBytes(tag.text)
        text.writeStaticString("\",\"ttl_ms\":")
    }

    /// How many bytes it has so far.
    var bytes: Int { text.readableBytes }

    /// - Parameter milliseconds: as PTTL says it: -1 where the key does not expire, -2 where it is gone since.
    consuming func finished(timeToLive milliseconds: Int64) -> ByteBuffer {
        text.writeString(milliseconds == -1 ? "null}" : "\(max(milliseconds, 0))}")
        return text
    }
}

extension ByteBuffer {
    /// How many bytes ``writeJSONMember(_:_:)`` writes, but for the name and a few more.
    static func jsonBytes(_ bytes: Span<UInt8>) -> Int {
        bytes.isUTF8 ? bytes.jsonEscapedCount : Base64.count(bytes.count)
    }

    /// Writes `"name":"…"`, or `"name_base64":"…"` where the bytes are not UTF-8.
    mutating func writeJSONMember(_ name: StaticString, _ bytes: Span<UInt8>) {
        writeStaticString("\"")
        writeStaticString(name)
        if bytes.isUTF8 {
            writeStaticString("\":\"")
            writeJSONEscaped(bytes)
        } else {
            writeStaticString("_base64\":\"")
            writeWithOutputRawSpan(minimumWritableBytes: Base64.count(bytes.count)) { Base64.write(bytes, to: &$0) }
        }
        writeStaticString("\"")
    }
}
