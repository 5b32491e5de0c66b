import NIOCore
import RedisClient

/// What a write asks of the master, what the replies mean, and what is answered: a value without a connection.
///
/// ```
/// take ─▶ begin ─▶ encode, accept… ─▶ answer
///           ▲         ├─▶ next, where the write follows what was prepared
///           └─────────┴─repetition, or the master was away: surely not applied
/// ```
/// ``WriteHandler`` sends the commands and keeps the ``WriteRecord``. An enumeration rather than a protocol: no existential on
/// the path of a write, and a class that is generic would be called without specialization.
enum WriteOperation {
    /// `PUT` and `DELETE /v1/keys/{key}`.
    case key(KeyWrite)
    /// `POST /set`.
    case original(OriginalWrite)
    /// `POST /v1/batch`.
    case batch(BatchWrite)

    /// What a body leads to.
    enum Start {
        case send
        /// Nothing is written: all of them are gets.
        case read([BatchOperation], ConsistencyDemand?)
    }

    /// How the commands leave.
    enum Sending {
        /// Over the connection that all writes share.
        case shared
        /// Over a connection of their own, since the last of them, a WAIT, holds up what is behind it: at most for this long.
        case alone(Duration)
        /// Over a connection of their own, and without the write: ``next(_:)`` says what follows.
        case prepared
    }

    /// What is done where an attempt was surely not applied.
    enum Repetition {
        case none
        /// It is sent once more, in another way.
        case again
        case refuse(Problem)
    }

    /// What the client gets.
    enum Answer {
        case response(Response)
        /// With what INFO said as text.
        case original(OriginalAnswer, ResponseHead)
    }

    /// The type that the body has to have.
    var contentType: StaticString? {
        switch self {
        case .key: nil
        case .original, .batch: "application/json"
        }
    }

    /// Whether a body of known length may be longer than those that are collected: ``StreamedPutHandler`` takes it.
    var mayBeStreamed: Bool {
        switch self {
        case .key(let write): !write.change.isDeletion
        case .original, .batch: false
        }
    }

    /// In which form INFO is wanted.
    var informationForm: InformationForm {
        switch self {
        case .key, .batch: .parsed
        case .original: .both
        }
    }

    /// How many commands ``encode(into:)`` writes.
    var commands: Int {
        switch self {
        case .key(let write): write.commands
        case .original: 1
        case .batch(let write): write.operations.count
        }
    }

    /// How long the last of the commands may wait for replicas, where it is a WAIT.
    var wait: Duration? {
        switch self {
        case .key(let write): write.wait
        case .original, .batch: nil
        }
    }

    /// About how many bytes Redis is made to take and to answer; `nil` where they are few, and where the body tells.
    func cost(for handler: RequestHandler) -> Int? {
        switch self {
        case .key, .original: nil
        case .batch(let write): BatchCost(write.operations).bytes(handler)
        }
    }

    /// How much is buffered for the answer.
    var resultBytes: Int {
        switch self {
        case .key, .original: 0
        case .batch(let write): write.resultBytes
        }
    }

    /// Takes the whole body; called once.
    ///
    /// - Throws: the answer, where it is known now.
    mutating func take(_ body: ByteBuffer) throws(Problem) -> Start {
        switch self {
        case .key(var write):
            try write.take(body)
            self = .key(write)
            return .send
        case .original(var write):
            try write.take(body)
            self = .original(write)
            return .send
        case .batch(var write):
            let start = try write.take(body)
            self = .batch(write)
            return start
        }
    }

    /// An attempt begins: all that an earlier one has brought is forgotten.
    mutating func begin() -> Sending {
        switch consume self {
        case .key(var write):
            let sending = write.begin()
            self = .key(write)
            return sending
        case .original(let write):
            self = .original(write)
            return .shared
        case .batch(var write):
            write.begin()
            self = .batch(write)
            return .shared
        }
    }

    /// What was prepared is answered: decides on the write.
    ///
    /// - Returns: how long the commands that follow may wait for replicas; `nil` where none follow.
    mutating func next(_ record: inout WriteRecord) -> Duration? {
        switch consume self {
        case .key(var write):
            let wait = write.next(&record)
            self = .key(write)
            return wait
        case .original(let write):
            self = .original(write)
            return nil
        case .batch(let write):
            self = .batch(write)
            return nil
        }
    }

    /// Writes the commands in RESP.
    func encode(into buffer: inout ByteBuffer) {
        switch self {
        case .key(let write): write.encode(into: &buffer)
        case .original(let write): write.encode(into: &buffer)
        case .batch(let write): write.encode(into: &buffer)
        }
    }

    /// The command that is answered at the index.
    func command(at index: Int) -> RedisCommand {
        switch self {
        case .key(let write): write.command(at: index)
        case .original: .set
        case .batch(let write): write.operations.indices.contains(index) ? write.operations[index].command : .get
        }
    }

    /// Takes the reply to a command, an error too, and notes what it says of the write.
    ///
    /// - Parameter room: how much may be buffered for the answer.
    /// - Returns: `false` where the command never gets such a reply: the connection is given up then.
    mutating func accept(
        _ reply: RedisReply, at index: Int, _ record: inout WriteRecord, room: @autoclosure () -> Int
    ) -> Bool {
        switch consume self {
        case .key(var write):
            let isAccepted = write.accept(reply, at: index, &record)
            self = .key(write)
            return isAccepted
        case .original(let write):
            self = .original(write)
            return write.accept(reply, &record)
        case .batch(var write):
            let isAccepted = write.accept(reply, at: index, &record, room: room())
            self = .batch(write)
            return isAccepted
        }
    }

    /// Whether another way leads on where the attempt was surely not applied.
    mutating func repetition() -> Repetition {
        switch self {
        case .key(var write):
            let repetition = write.repetition()
            self = .key(write)
            return repetition
        case .original, .batch: return .none
        }
    }

    /// The answer to the write; called once.
    mutating func answer(_ outcome: WriteRecord.Outcome, _ report: WriteReport) -> Answer {
        switch self {
        case .key(let write): return .response(write.response(outcome, report))
        case .original(let write): return write.answer(outcome, report)
        case .batch(var write):
            let response = write.response(outcome, report)
            self = .batch(write)
            return .response(response)
        }
    }
}
