/// Asks how large a value is, before it is asked for once more: a value that was displaced by a large one may be large, too.
public final class SizeQuestion: ReplyReceiver {
    private let completion: (_ bytes: Int?) -> Void
    private let whenFailed: ((RedisFailure) -> Void)?

    /// One of the two is called, once.
    ///
    /// - Parameters:
    ///   - whenFailed: called where no reply comes; `nil` has `completion` called then.
    ///   - completion: gets `nil` where the server does not say it.
    public init(whenFailed: ((RedisFailure) -> Void)? = nil, completion: @escaping (_ bytes: Int?) -> Void) {
        self.whenFailed = whenFailed
        self.completion = completion
    }

    public override var mayBeAskedAgain: Bool { true }

    public override func command(at index: Int) -> RedisCommand { .strlen }

    public override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .integer(let bytes): completion(Int(clamping: bytes))
        case .bulk, .simple, .error, .null, .array: completion(nil)
        }
    }

    public override func fail(_ failure: RedisFailure) {
        if let whenFailed { whenFailed(failure) } else { completion(nil) }
    }
}
