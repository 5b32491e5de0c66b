import Glibc

/// The value of a `Date` header field (RFC 9110 §5.6.7), made once a second.
struct HTTPDate {
    /// 29 ASCII bytes: `Sun, 06 Nov 1994 08:49:37 GMT`.
    let text: [UInt8]

    /// - Parameter seconds: since 1970, UTC.
    init(secondsSinceEpoch seconds: Int) {
        var time = time_t(seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        // The program never calls setlocale, so the names are the C locale's, as the field wants them.
        text = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            count = unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
                unsafe strftime(characters.baseAddress, 32, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            }
        }
    }

    static var now: HTTPDate { HTTPDate(secondsSinceEpoch: time(nil)) }
}
