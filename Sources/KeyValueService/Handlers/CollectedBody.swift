import HTTPWire
import NIOCore

/// A request's body that is wanted whole, up to a limit, before anything is done: as a value.
struct CollectedBody {
    private let limitBytes: Int
    private let mayBeLonger: Bool
    /// How long the body is, as far as the head says it.
    private let length: Int
    private var received = ByteBuffer()
    /// Whether the client waits for a word before it sends the body.
    let expectsContinue: Bool
    /// Why the head alone has the request refused.
    let refusal: Problem?
    /// Bodies from this size on are counted while Redis is asked.
    static let chargedBytes = 4096

    /// - Parameters:
    ///   - contentType: the one that the body has to have, in lower case; `nil` for any. A body that does not name its type is
    ///     taken.
    ///   - mayBeLonger: whether a body of known length may be longer than the limit, for it is not collected then.
    init(
        _ request: borrowing RequestView, limitBytes: Int, contentType: StaticString?, mayBeLonger: Bool
    ) {
        self.limitBytes = limitBytes
        self.mayBeLonger = mayBeLonger
        refusal = Self.refusal(of: request, limitBytes: limitBytes, contentType: contentType)
        expectsContinue = request.head.expectsContinue
        if case .length(let length) = request.head.body { self.length = min(length, limitBytes) } else { length = 0 }
    }

    /// What the head alone tells.
    private static func refusal(
        of request: borrowing RequestView, limitBytes: Int, contentType: StaticString?
    ) -> Problem? {
        if request.head.isUnusual, let refusal = Problem(ofBodyOf: request) { return refusal }
        if let contentType, let type = request.value(of: .contentType), !type.isMediaType(contentType) {
            return .unsupportedMediaType
        }
        if case .length(let length) = request.head.body, length > limitBytes {
            return .bodyTooLarge(limitBytes: limitBytes)
        }
        return nil
    }

    /// Whether the refusal does not wait for the body: that is too long to be read to its end, or the client waits for a word.
    var isRefusedAtOnce: Bool { if case .bodyTooLarge? = refusal { true } else { refusal != nil && expectsContinue } }

    /// How much has come.
    var bytes: Int { received.readableBytes }

    /// Takes the next piece.
    ///
    /// - Returns: `false` where the body is longer than the limit.
    mutating func take(_ piece: ByteBuffer) -> Bool {
        guard received.readableBytes + piece.readableBytes <= limitBytes else { return false }
        if received.readableBytes == 0, piece.readableBytes >= length {
            received = piece
        } else {
            // Once, and to the size that it will have: what is not written yet costs no memory.
            if received.readableBytes == 0 { received.reserveCapacity(length) }
            received.writeImmutableBuffer(piece)
        }
        return true
    }

    /// What is said of a body that does not say how long it is, and is longer.
    var tooLong: Problem {
        mayBeLonger ? .lengthRequired(limitBytes: limitBytes) : .bodyTooLarge(limitBytes: limitBytes)
    }

    /// Gives the whole body, and keeps nothing of it.
    mutating func finish() -> ByteBuffer {
        let body = received
        received = ByteBuffer()
        return body
    }
}

extension Problem {
    /// What a body is said to be, and cannot be taken as.
    init?(ofBodyOf request: borrowing RequestView) {
        if request.value(of: .contentRange) != nil {
            self = .unsupportedContentRange
        } else if request.head.isEncoded, request.head.method != .delete {
            self = .unsupportedContentEncoding
        } else {
            return nil
        }
    }
}
