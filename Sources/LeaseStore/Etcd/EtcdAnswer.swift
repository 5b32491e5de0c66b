internal import RedisCore

/// What an answer of etcd's gateway means.
enum EtcdAnswer: Equatable {
    case done([UInt8])
    /// A token is missing, or no longer good. Nothing was done.
    case tokenNeeded
    /// Authentication is off. Nothing was done.
    case noAuthentication
    /// Nothing was done.
    case refused(Refusal)
    /// No answer, or one that says "later".
    case unavailable(String, mayBeDone: Bool)

    enum Refusal: Equatable {
        case noUser, wrongPassword, noPermission
        /// etcd's gateway takes no client certificate with a common name while authentication is on.
        case commonName
    }

    init(status: Int, body: [UInt8]) {
        if status == 200 {
            self = .done(body)
            return
        }
        // etcd `embed/serve.go`, in plain text.
        if status == 400, body.starts(with: Array("CommonName of client".utf8)) {
            self = .refused(.commonName)
            return
        }
        guard let error = EtcdMessage.decoded(EtcdMessage.ErrorAnswer.self, body),
            let code = error.code
        else {
            self = .unavailable(
                status == 404
                    ? "answers 404: it is no etcd, or one without /v3/ (3.4 and later have it)"
                    : "answers \(status), and not as etcd does", mayBeDone: status != 404)
            return
        }
        let message = error.message ?? error.error ?? ""
        // Codes: google.golang.org/grpc/codes; texts: etcd `api/v3rpc/rpctypes/error.go`.
        switch code {
        case 16: self = .tokenNeeded
        case 3 where message.contains("revision of auth store is old") || message.contains("user name is empty"):
            self = .tokenNeeded
        case 3 where message.contains("authentication failed"): self = .refused(.wrongPassword)
        case 7: self = .refused(.noPermission)
        case 9 where message.contains("authentication is not enabled"): self = .noAuthentication
        default: self = .unavailable("answers \(status): \(printable(message.utf8, limit: 160))", mayBeDone: true)
        }
    }

    /// For what followed it: that was not done.
    var beforeTheRequest: EtcdAnswer {
        if case .unavailable(let reason, _) = self { return .unavailable(reason, mayBeDone: false) }
        return self
    }
}
