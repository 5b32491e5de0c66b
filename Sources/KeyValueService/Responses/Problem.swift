import HTTPWire
import RedisClient
import RedisCore

/// Everything the service can refuse or fail, each with a stable code, a status and a sentence that names the cure.
///
/// On the wire it is `application/problem+json` (RFC 9457):
/// `{"type":"/problems/<code>","title":…,"status":…,"code":"<code>","detail":…}`.
enum Problem: Error, Equatable, Sendable {
    // The request.
    case malformedRequest(Malformation)
    case unknownTransferCoding
    case targetTooLong(limitBytes: Int)
    case headerTooLarge(StaticText)
    case requestTimeout
    case unauthorized
    case foreignOrigin
    case hostNotAllowed
    case unknownPath
    case methodNotAllowed(allowed: StaticText)
    case unsupportedMethod
    case expectationFailed
    case unknownParameter(UnknownParameter)
    case repeatedParameter(StaticText)
    case unsupportedContentRange
    case unsupportedContentEncoding
    case missingKey
    case emptyKey
    case keyNotText
    case invalidPercentEncoding
    case unknownMember
    case invalidOperation(place: Int, reason: StaticText)
    case batchSize(ClosedRange<Int>)
    case invalidCursor
    case invalidNumber(StaticText, ClosedRange<Int>)
    case invalidDuration(StaticText, DurationText.Range)
    case missingParameter(StaticText, because: StaticText)
    case unsupportedPrecondition
    case invalidReplicationToken
    case invalidTokenRequest
    case unsupportedConsistency
    case notAcceptable
    case unsupportedMediaType
    case bodyTooLarge(limitBytes: Int)
    case lengthRequired(limitBytes: Int)
    case invalidJSON(String)
    case missingMember(StaticText)
    case memberNotText(StaticText)

    // What is stored.
    case keyNotFound
    case valueNotText
    case preconditionFailed
    case replicationLost
    case answerTooLarge
    case cursorGone
    case wrongType
    case valueTooLargeToCompare(limitBytes: Int)

    // Redis.
    case redisUnavailable(role: StaticText)
    case redisTimeout
    case writeOutcomeUnknown
    case writeContended
    case redisOverloaded
    case redisReadOnly
    /// - Parameter places: where they are; `nil` where that is not known here.
    case noSingleMaster(places: String?)
    case replicationLagUnknown
    case redisOutOfMemory
    case redisCannotPersist
    case redisNeedsReplicas
    case redisDenied
    case redisError(code: String)

    // This process.
    case overloaded
    case tooManyConnections
    case tooManyStreams(limit: Int)
}

/// Text known when the program is built; unlike `StaticString` it can be compared.
struct StaticText: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    let text: StaticString

    init(stringLiteral text: StaticString) { self.text = text }
    init(_ text: StaticString) { self.text = text }

    var description: String { text.description }
    static func == (left: StaticText, right: StaticText) -> Bool { left.description == right.description }
}

extension Problem {
    var status: ResponseStatus {
        switch self {
        case .malformedRequest, .missingKey, .emptyKey, .keyNotText, .invalidPercentEncoding, .invalidJSON,
            .missingMember, .memberNotText, .unknownMember, .invalidOperation, .batchSize, .invalidCursor,
            .invalidNumber,
            .invalidDuration, .missingParameter, .unsupportedPrecondition, .invalidReplicationToken,
            .invalidTokenRequest, .unknownParameter, .repeatedParameter, .unsupportedContentRange,
            .unsupportedConsistency:
            .badRequest
        case .unknownTransferCoding, .unsupportedMethod: .notImplemented
        case .expectationFailed: .expectationFailed
        case .targetTooLong: .targetTooLong
        case .headerTooLarge: .headerTooLarge
        case .requestTimeout: .requestTimeout
        case .unauthorized: .unauthorized
        case .foreignOrigin, .hostNotAllowed: .forbidden
        case .unknownPath, .keyNotFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .unsupportedMediaType, .unsupportedContentEncoding: .unsupportedMediaType
        case .bodyTooLarge: .contentTooLarge
        case .lengthRequired: .lengthRequired
        case .notAcceptable, .valueNotText: .notAcceptable
        case .wrongType, .replicationLost, .valueTooLargeToCompare: .conflict
        case .preconditionFailed: .preconditionFailed
        case .cursorGone: .gone
        case .redisUnavailable, .redisOverloaded, .redisReadOnly, .noSingleMaster, .redisCannotPersist,
            .redisNeedsReplicas, .replicationLagUnknown, .writeContended, .tooManyStreams, .overloaded,
            .tooManyConnections:
            .serviceUnavailable
        case .redisTimeout, .writeOutcomeUnknown: .gatewayTimeout
        case .redisOutOfMemory, .answerTooLarge: .insufficientStorage
        case .redisDenied, .redisError: .badGateway
        }
    }

    /// Stable: clients may switch on it.
    var code: StaticString {
        switch self {
        case .malformedRequest: "malformed-request"
        case .unknownTransferCoding: "unknown-transfer-coding"
        case .targetTooLong: "target-too-long"
        case .headerTooLarge: "header-too-large"
        case .requestTimeout: "request-timeout"
        case .unauthorized: "unauthorized"
        case .foreignOrigin: "foreign-origin"
        case .hostNotAllowed: "host-not-allowed"
        case .unknownPath: "unknown-path"
        case .methodNotAllowed: "method-not-allowed"
        case .unsupportedMethod: "unsupported-method"
        case .expectationFailed: "expectation-failed"
        case .unknownParameter: "unknown-parameter"
        case .repeatedParameter: "repeated-parameter"
        case .unsupportedContentRange: "unsupported-content-range"
        case .unsupportedContentEncoding: "unsupported-content-encoding"
        case .missingKey: "missing-key"
        case .emptyKey: "empty-key"
        case .keyNotText: "key-not-text"
        case .invalidPercentEncoding: "invalid-percent-encoding"
        case .unknownMember: "unknown-member"
        case .invalidOperation: "invalid-operation"
        case .batchSize: "batch-size"
        case .invalidCursor: "invalid-cursor"
        case .invalidNumber: "invalid-number"
        case .invalidDuration: "invalid-duration"
        case .missingParameter: "missing-parameter"
        case .unsupportedPrecondition: "unsupported-precondition"
        case .invalidReplicationToken: "invalid-replication-token"
        case .invalidTokenRequest: "invalid-token-request"
        case .unsupportedConsistency: "unsupported-consistency"
        case .notAcceptable: "not-acceptable"
        case .unsupportedMediaType: "unsupported-media-type"
        case .bodyTooLarge: "body-too-large"
        case .lengthRequired: "length-required"
        case .invalidJSON: "invalid-json"
        case .missingMember: "missing-member"
        case .memberNotText: "member-not-text"
        case .keyNotFound: "key-not-found"
        case .valueNotText: "value-not-text"
        case .preconditionFailed: "precondition-failed"
        case .replicationLost: "replication-lost"
        case .answerTooLarge: "answer-too-large"
        case .cursorGone: "cursor-gone"
        case .wrongType: "wrong-type"
        case .valueTooLargeToCompare: "value-too-large-to-compare"
        case .redisUnavailable: "redis-unavailable"
        case .redisTimeout: "redis-timeout"
        case .writeOutcomeUnknown: "write-outcome-unknown"
        case .writeContended: "write-contended"
        case .redisOverloaded: "redis-overloaded"
        case .redisReadOnly: "redis-read-only"
        case .noSingleMaster: "no-single-master"
        case .replicationLagUnknown: "replication-lag-unknown"
        case .redisOutOfMemory: "redis-out-of-memory"
        case .redisCannotPersist: "redis-cannot-persist"
        case .redisNeedsReplicas: "redis-needs-replicas"
        case .redisDenied: "redis-denied"
        case .redisError: "redis-error"
        case .overloaded: "overloaded"
        case .tooManyConnections: "too-many-connections"
        case .tooManyStreams: "too-many-streams"
        }
    }

    /// A sentence for the reader of the answer. It never holds a secret, nor what the client sent, but for the name of an
    /// ``UnknownParameter``.
    var detail: String {
        switch self {
        case .malformedRequest(let malformation): malformation.detail
        case .unknownTransferCoding: "Only the transfer coding chunked is accepted; send the body without another one."
        case .targetTooLong(let limitBytes): "The path and query are longer than \(limitBytes) bytes."
        case .headerTooLarge(let part): "\(part); send less."
        case .requestTimeout: "The request did not arrive in time."
        case .unauthorized: "This service needs a token; send it as Authorization: Bearer TOKEN."
        case .foreignOrigin:
            """
            A web page of another origin may not write here. To allow it, add its origin to CORS_ALLOWED_ORIGINS; or let \
            the proxy in front pass the field Host unchanged.
            """
        case .hostNotAllowed:
            """
            The field Host names another server. Without a token, and listening on loopback only, this service answers to \
            localhost, 127.0.0.1, [::1] and its own address. Add other hosts to ALLOWED_HOSTS.
            """
        case .unknownPath:
            "There is nothing here; try /get?key=…, POST /set, /v1/keys, /v1/keys/…, POST /v1/batch, /livez or /readyz."
        case .methodNotAllowed(let allowed): "This path takes \(allowed) only."
        case .unsupportedMethod:
            "This service is no proxy and refuses CONNECT; ask for a path, such as GET /livez."
        case .expectationFailed: "Only Expect: 100-continue is supported; leave any other out."
        case .unknownParameter(let parameter): parameter.detail
        case .repeatedParameter(let name): "The parameter \(name) comes more than once; send it once."
        case .unsupportedContentRange:
            "A value is always written as a whole; send all of it, without Content-Range."
        case .unsupportedContentEncoding:
            "The value is stored as it comes, and its readers would not see Content-Encoding; send it without one."
        case .missingKey: "Name the key in the query: ?key=key_1."
        case .emptyKey: "The key is empty; give it at least one character."
        case .keyNotText: "The key is not UTF-8 once decoded, and this answer is JSON."
        case .invalidPercentEncoding:
            "A % is not followed by two hexadecimal digits; write %25 for a % itself."
        case .unknownMember: "The body has a member that this path does not know; leave it out, or correct its name."
        case .invalidOperation(let place, let reason): "Operation \(place), counted from 0, is invalid: \(reason)."
        case .batchSize(let sizes): "A batch has \(sizes.lowerBound) to \(sizes.upperBound) operations."
        case .invalidCursor: "The cursor is not from this service; leave it out to start again."
        case .invalidNumber(let name, let range):
            "The parameter \(name) has to be a number from \(range.lowerBound) to \(range.upperBound)."
        case .invalidDuration(let name, let range):
            "\(name) has to be a whole number of ms or s, from \(range.words), such as 500ms."
        case .missingParameter(let name, let other): "\(other) says nothing without \(name); send both, or none."
        case .unsupportedPrecondition:
            """
            If-Match and If-None-Match take * or tags such as "0123…", in one line each, and only at /v1/keys/…; no other path \
            has a value to compare.
            """
        case .invalidReplicationToken:
            "Replication-After has to be a token as a Replication-Token field gave it: <40 hexadecimal digits>:<number>."
        case .invalidTokenRequest: "Replication-Token has to be want; a token goes into Replication-After."
        case .unsupportedConsistency:
            """
            Replication-After, Replication-Wait and max-lag are for reads of values and keys: leave them out here; a write goes \
            to the master.
            """
        case .notAcceptable:
            "The value is given as application/octet-stream or as application/json; let Accept allow one of them."
        case .unsupportedMediaType: "Send the body with Content-Type: application/json."
        case .bodyTooLarge(let limitBytes): "The body is larger than \(limitBytes) bytes."
        case .lengthRequired(let limitBytes):
            "A body of more than \(limitBytes) bytes has to say its length: send Content-Length, not chunks."
        case .invalidJSON(let reason): "The body is not the JSON that is expected: \(reason)."
        case .missingMember(let name):
            name == "operations"
                ? "The body has no member \"operations\"; send {\"operations\":[{\"get\":\"key_1\"}]}."
                : "The body has no member \"\(name)\"; send {\"key\":\"key_1\",\"value\":\"value_1\"}."
        case .memberNotText(let name): "The member \"\(name)\" has to be a string; put quotes around it."
        case .keyNotFound: "No value is stored under this key."
        case .valueNotText:
            "The value is not UTF-8, so it cannot be shown in JSON; read it as the bytes it is, by /v1/keys/…."
        case .preconditionFailed: "The key does not meet If-Match or If-None-Match; nothing was changed."
        case .answerTooLarge:
            "The values are larger than an answer in JSON may be; ask for fewer at once, or for each by /v1/keys/… as bytes."
        case .replicationLost:
            "The write of Replication-After was lost in a fail-over; repeat it if it is still wanted."
        case .cursorGone:
            """
            The server that gave this cursor is gone, serves no reads now, or cannot show what Replication-After or max-lag ask \
            for; leave the cursor out to start again.
            """
        case .wrongType: "The key holds a list, set, hash or another type; only strings can be read here."
        case .valueTooLargeToCompare(let limitBytes):
            "The stored value is larger than \(limitBytes) bytes, too large to compare its tag; nothing was changed."
        case .redisUnavailable(let role): "No \(role) can be reached just now; try again shortly."
        case .redisTimeout: "Redis did not answer in time."
        case .writeOutcomeUnknown:
            """
            The write was sent and its reply was lost: it may have been applied. Read the key with ?max-lag=1ms to see, or repeat \
            the write with If-Match or If-None-Match, so that it is not done twice.
            """
        case .writeContended: "Other clients keep writing this key, and nothing was changed; try again shortly."
        case .redisOverloaded: "Too many commands wait for Redis; try again shortly."
        case .redisReadOnly: "The server that is configured as the master is a replica; try again shortly."
        case .noSingleMaster(let places):
            """
            Several servers say that they are the master\(places.map { " (\($0))" } ?? ""), and nothing was written. The operator \
            has to make all but one of them its replicas (REPLICAOF); /readyz says more.
            """
        case .replicationLagUnknown:
            "No server can be shown to be within max-lag while the master is away; leave max-lag out to read what there is."
        case .redisOutOfMemory: "Redis has no memory left for this write."
        case .redisCannotPersist: "Redis refuses writes because it cannot save its data."
        case .redisNeedsReplicas: "Redis refuses writes because too few replicas are in step."
        case .redisDenied: "Redis refuses this service's credentials; the log has the cure for the operator."
        case .redisError(let code): "Redis answered with -\(code)."
        case .overloaded: "The service has reached its memory limit for clients; try again shortly."
        case .tooManyConnections: "The service has reached its limit of connections; try again shortly."
        case .tooManyStreams(let limit):
            "\(limit) streams of events are open already; close one, or ask /v1/topology from time to time."
        }
    }

    var retryAfterSeconds: Int? {
        status == .serviceUnavailable ? 1 : nil
    }
}

extension Problem {
    /// Redis's error codes, as what they are to the client.
    ///
    /// - Parameter error: an error reply without its `-`. Its text may quote what was sent; only the code is looked at.
    init(redisError error: Span<UInt8>) {
        var length = 0
        while length < min(error.count, 32), error[length] != UInt8(ascii: " ") { length += 1 }
        let code = printable(error.extracting(0..<length).copied)
        self =
            switch RedisErrorCode(of: error) {
            case .wrongType: .wrongType
            case .loading, .masterDown, .busy, .tryAgain, .clusterDown: .redisUnavailable(role: "Redis server")
            case .readOnly: .redisReadOnly
            case .outOfMemory: .redisOutOfMemory
            case .cannotSave: .redisCannotPersist
            case .needsReplicas: .redisNeedsReplicas
            case .needsPassword, .needsPermission, .wrongPassword: .redisDenied
            // Not Redis's own: RedisClient's word for a value that is not gathered.
            case nil where code == "TOOLARGE": .answerTooLarge
            default: .redisError(code: code)
            }
    }
}

extension Span<UInt8> {
    /// The bytes as text, repaired where they are not UTF-8.
    var text: String {
        unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension Problem {
    init(_ fault: RequestFault, limits: RequestLimits) {
        self =
            switch fault {
            case .malformed(let malformation): .malformedRequest(malformation)
            case .unknownTransferCoding: .unknownTransferCoding
            case .targetTooLong: .targetTooLong(limitBytes: limits.targetBytes)
            case .headTooLarge(let part): .headerTooLarge(part.excess)
            }
    }

    /// - Parameter role: what could not be reached, for the sentence.
    init(_ failure: RedisFailure, role: StaticText) {
        self =
            switch failure {
            case .notConnected, .connectionLost, .shuttingDown, .unreadable: .redisUnavailable(role: role)
            case .readOnly: .redisReadOnly
            case .noSingleMaster: .noSingleMaster(places: nil)
            case .denied: .redisDenied
            case .overloaded, .displaced: .redisOverloaded
            case .timedOut: .redisTimeout
            }
    }
}
