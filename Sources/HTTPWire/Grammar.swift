/// The bytes of RFC 9110 §5.6 and RFC 9112 §5.
enum Grammar {
    /// A `tchar`: what methods and field names are made of.
    static func isToken(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0x03FF_6CFA_0000_0000  // ! # $ % & ' * + - . 0…9
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE  // A…Z ^ _ ` a…z | ~
        return byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }

    /// What a field's value may hold: no control character but the tab.
    static func isFieldValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 ? byte != 0x7F : byte == UInt8(ascii: "\t")
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

extension Span<UInt8> {
    /// The first byte from an index on that is a control character or 0x7F, or below `floor`: found eight at a time.
    ///
    /// - Parameter floor: 0x20, or 0x21 to stop at spaces too. It also stops at a tab.
    func firstOddByte(from start: Int, floor: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let raw = unsafe bytes
        var index = start
        while index &+ 8 <= count {
            let word = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            // A byte's top bit is set where it is below the floor, or 0x7F; a borrow can only spoil lanes above a hit.
            let delete = word ^ (ones &* 0x7F)
            let hits = (((word &- ones &* floor) & ~word) | ((delete &- ones) & ~delete)) & tops
            if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count, UInt64(self[index]) >= floor, self[index] != 0x7F { index &+= 1 }
        return index
    }
}

extension RequestField {
    /// - Parameter name: a token, in upper or lower case.
    init?(_ name: Span<UInt8>) {
        let field: RequestField
        let text: StaticString
        switch (name.count, name[0] | 0x20) {
        case (4, UInt8(ascii: "h")): (field, text) = (.host, "host")
        case (6, UInt8(ascii: "a")): (field, text) = (.accept, "accept")
        case (6, UInt8(ascii: "o")): (field, text) = (.origin, "origin")
        case (6, UInt8(ascii: "e")): (field, text) = (.expect, "expect")
        case (8, UInt8(ascii: "i")): (field, text) = (.ifMatch, "if-match")
        case (10, UInt8(ascii: "c")): (field, text) = (.connection, "connection")
        case (11, UInt8(ascii: "t")): (field, text) = (.traceparent, "traceparent")
        case (12, UInt8(ascii: "c")): (field, text) = (.contentType, "content-type")
        case (12, UInt8(ascii: "x")): (field, text) = (.requestID, "x-request-id")
        case (13, UInt8(ascii: "i")): (field, text) = (.ifNoneMatch, "if-none-match")
        case (13, UInt8(ascii: "a")): (field, text) = (.authorization, "authorization")
        case (13, UInt8(ascii: "c")): (field, text) = (.contentRange, "content-range")
        case (14, UInt8(ascii: "c")): (field, text) = (.contentLength, "content-length")
        case (14, UInt8(ascii: "s")): (field, text) = (.secFetchSite, "sec-fetch-site")
        case (16, UInt8(ascii: "c")): (field, text) = (.contentEncoding, "content-encoding")
        case (16, UInt8(ascii: "r")): (field, text) = (.replicationWait, "replication-wait")
        case (17, UInt8(ascii: "t")): (field, text) = (.transferEncoding, "transfer-encoding")
        case (17, UInt8(ascii: "r")) where name[12] | 0x20 == UInt8(ascii: "t"):
            (field, text) = (.replicationToken, "replication-token")
        case (17, UInt8(ascii: "r")): (field, text) = (.replicationAfter, "replication-after")
        default: return nil
        }
        guard name.equalsIgnoringCase(text) else { return nil }
        self = field
    }
}

extension RequestMethod {
    /// - Parameter name: a token; methods tell case.
    init(_ name: Span<UInt8>) {
        self =
            switch name.count {
            case 3 where name.equals("GET"): .get
            case 3 where name.equals("PUT"): .put
            case 4 where name.equals("POST"): .post
            case 4 where name.equals("HEAD"): .head
            case 5 where name.equals("PATCH"): .patch
            case 5 where name.equals("TRACE"): .trace
            case 6 where name.equals("DELETE"): .delete
            case 7 where name.equals("OPTIONS"): .options
            case 7 where name.equals("CONNECT"): .connect
            default: .other
            }
    }
}
