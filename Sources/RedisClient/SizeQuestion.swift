/// Asks how large a value is, before it is asked for once more: a value that was displaced by a large one may be large, too.
public final class SizeQuestion: ReplyReceiver {
    private let completion: (_ bytes: Int?) -> Void

    /// - Parameter completion: called once; with `nil` where the server does not say it.
    public init(completion: @escaping (_ bytes: Int?) -> Void) { self.completion = completion }

    public override var mayBeAskedAgain: Bool { true }

    public override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .integer(let bytes): completion(Int(clamping: bytes))
        case .bulk, .simple, .error, .null, .array: completion(nil)
        }
    }

    public override func fail(_ failure: RedisFailure) { completion(nil) }
}
