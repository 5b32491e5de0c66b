internal import FoundationEssentials

/// The messages of etcd's JSON gateway that are used here: bytes in base64, 64-bit numbers as strings
/// (etcd-io/etcd `Documentation/dev-guide/api_grpc_gateway.md`).
enum EtcdMessage {
    /// Names here are in camel case, there in snake case.
    static func encoded(_ message: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return (try? encoder.encode(message)).map { Array($0) }
    }

    static func decoded<Message: Decodable>(_ type: Message.Type = Message.self, _ bytes: [UInt8]) -> Message? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(bytes))
    }

    struct Range: Encodable {
        var key: Data
    }

    /// Puts a value where the key is in the given state.
    struct Put: Encodable {
        var compare: [Compare]
        var success: [Operation]

        init(key: Data, value: Data, replacing version: EtcdVersion?) {
            if let version {
                compare = [
                    Compare(key: key, target: "MOD", modRevision: version.modified),
                    Compare(key: key, target: "CREATE", createRevision: version.created),
                ]
            } else {
                compare = [Compare(key: key, target: "CREATE", createRevision: 0)]
            }
            success = [Operation(requestPut: KeyValue(key: key, value: value))]
        }

        struct Compare: Encodable {
            var key: Data
            var target: String
            var result = "EQUAL"
            @EtcdNumber var modRevision: Int64?
            @EtcdNumber var createRevision: Int64?
        }

        struct Operation: Encodable {
            var requestPut: KeyValue
        }

        struct KeyValue: Encodable {
            var key: Data
            var value: Data
        }
    }

    struct Watch: Encodable {
        var createRequest: Create

        struct Create: Encodable {
            var key: Data
            @EtcdNumber var startRevision: Int64?
        }
    }

    struct Authenticate: Encodable {
        var name: String
        var password: String
    }

    // MARK: Answers

    struct Header: Decodable {
        @EtcdNumber var revision: Int64?
    }

    struct RangeAnswer: Decodable {
        var header: Header
        var kvs: [Stored]?
    }

    struct Stored: Decodable {
        @EtcdNumber var createRevision: Int64?
        @EtcdNumber var modRevision: Int64?
        /// Left out where it is empty.
        var value: Data?

        var version: EtcdVersion? {
            guard let createRevision, let modRevision else { return nil }
            return EtcdVersion(modified: modRevision, created: createRevision)
        }
    }

    struct PutAnswer: Decodable {
        var header: Header
        /// Left out where it is false.
        var succeeded: Bool?
    }

    struct AuthenticateAnswer: Decodable {
        var token: String
    }

    struct ErrorAnswer: Decodable {
        var code: Int?
        var message: String?
        var error: String?
    }

    /// One line of a watch.
    struct WatchLine: Decodable {
        var result: Result?
        var error: Failure?

        struct Result: Decodable {
            var header: Header?
            var events: [Event]?
            var canceled: Bool?
            var cancelReason: String?
            @EtcdNumber var compactRevision: Int64?
        }

        struct Event: Decodable {
            /// Left out for a put.
            var type: String?
            var kv: Stored
        }

        struct Failure: Decodable {
            var message: String?
        }
    }
}
