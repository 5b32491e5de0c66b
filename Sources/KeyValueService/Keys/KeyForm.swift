import HTTPWire

/// In which form a client wants a value.
enum KeyForm: Equatable {
    /// The bytes alone.
    case bytes
    /// A JSON document that tells more than the bytes.
    case document
    /// As `/get` answers it, with INFO replication of the server.
    case original

    /// Of `/v1/keys/{key}`, by Accept; the bytes where nothing speaks for the document.
    ///
    /// - Throws: ``Problem/notAcceptable``.
    init(for request: borrowing RequestView) throws(Problem) {
        // Most clients send none, or */*.
        guard let accept = request.value(of: .accept) else {
            self = .bytes
            return
        }
        self = try accept.equals("*/*") ? .bytes : Self(accepting: accept)
    }

    private init(accepting accept: Span<UInt8>) throws(Problem) {
        switch AcceptedTypes(accept).best(of: ["application/octet-stream", "application/json"]) {
        case 0: self = .bytes
        case 1: self = .document
        default: throw .notAcceptable
        }
    }
}
