/// Bytes of another program as text that a log and a terminal can hold: plain ASCII of a bounded length.
///
/// What is not printable ASCII stands as `\x` and two hexadecimal digits; what is longer ends in `…`.
///
/// - Parameter limit: the most characters that are shown.
package func printable(_ bytes: some Collection<UInt8>, limit: Int = 256) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var shown: [UInt8] = []
    var isWhole = true
    for byte in bytes {
        let isPlain = 0x20...0x7E ~= byte
        guard shown.count + (isPlain ? 1 : 4) <= limit else {
            isWhole = false
            break
        }
        if isPlain {
            shown.append(byte)
        } else {
            shown += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: shown, as: UTF8.self) + (isWhole ? "" : "…")
}
