/// What a request's head says, as places in the bytes it was read from: nothing is copied.
public struct RequestHead: Sendable {
    public let method: RequestMethod
    /// The path and query, as they were sent.
    public let target: Range<Int>
    /// 1.1; otherwise 1.0, which keeps a connection only if asked to.
    public let isHTTP11: Bool
    /// Whether the client lets the connection carry another request.
    public internal(set) var keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    public internal(set) var expectsContinue = false
    /// Whether the client expects something else, which this service cannot meet.
    public internal(set) var expectsTheUnknown = false
    /// Whether the body is encoded, by gzip for instance.
    public internal(set) var isEncoded = false
    /// Whether it has what few requests have, and what therefore is looked at only then: a method from OPTIONS on, an
    /// expectation that is not known, Origin, Content-Range, or a body that is encoded.
    public internal(set) var isUnusual: Bool
    public internal(set) var body = BodyFraming.none

    /// Where the value of each known field is; the first of those that may come more than once.
    private var values = InlineArray<19, Place>(repeating: .nowhere)
    /// A bit for each known field that was sent more than once.
    private var repeated: UInt32 = 0

    private struct Place {
        var start: UInt32
        var end: UInt32
        static let nowhere = Place(start: .max, end: .max)
    }

    init(method: RequestMethod, target: Range<Int>, isHTTP11: Bool) {
        self.method = method
        self.target = target
        self.isHTTP11 = isHTTP11
        self.keepsAlive = isHTTP11
        self.isUnusual = method.rawValue >= RequestMethod.options.rawValue
    }

    /// Where the field's value is, white space around it left out; `nil` where the field was not sent.
    public func value(of field: RequestField) -> Range<Int>? {
        let place = values[Int(field.rawValue)]
        return place.start == .max ? nil : Int(place.start)..<Int(place.end)
    }

    /// Whether the field was sent more than once: ``value(of:)`` is then the first one alone.
    public func isRepeated(_ field: RequestField) -> Bool { repeated >> UInt32(field.rawValue) & 1 == 1 }

    /// - Returns: whether it is the first of its name.
    mutating func note(_ field: RequestField, at value: Range<Int>) -> Bool {
        let index = Int(field.rawValue)
        guard values[index].start == .max else {
            repeated |= 1 << UInt32(index)
            return false
        }
        values[index] = Place(start: UInt32(value.lowerBound), end: UInt32(value.upperBound))
        return true
    }
}

/// How the end of a request's body is known (RFC 9112 §6).
public enum BodyFraming: Equatable, Sendable {
    case none
    /// So many bytes follow, 1 or more.
    case length(Int)
    case chunked
}

/// RFC 9110 §9, and the rest.
public enum RequestMethod: UInt8, CaseIterable, Sendable {
    case get, head, post, put, delete, patch, options, connect, trace
    /// Another token.
    case other
}

/// The fields that code behind the decoder reads; all others are checked and skipped.
public enum RequestField: UInt8, Sendable, CaseIterable {
    case host, connection, contentLength, transferEncoding, contentType, expect, accept, ifMatch, ifNoneMatch
    case authorization, requestID, traceparent, replicationToken, replicationAfter, replicationWait
    case origin, contentRange, contentEncoding, secFetchSite
}

/// A request's head beside the bytes it lies in.
public struct RequestView: ~Escapable {
    public let head: RequestHead
    private let bytes: Span<UInt8>

    /// - Parameter bytes: those that were given to the decoder when it found the head.
    @_lifetime(copy bytes)
    public init(_ head: RequestHead, in bytes: Span<UInt8>) {
        self.head = head
        self.bytes = bytes
    }

    public var target: Span<UInt8> {
        @_lifetime(copy self)
        get { bytes.extracting(head.target) }
    }

    /// The field's value as it was sent, white space around it left out; `nil` where the field was not sent.
    @_lifetime(copy self)
    public func value(of field: RequestField) -> Span<UInt8>? {
        guard let range = head.value(of: field) else { return nil }
        return bytes.extracting(range)
    }
}
