import RedisClient

/// What the replies to the write of a key mean.
extension KeyWrite {
    mutating func accept(_ reply: RedisReply, at index: Int, _ record: inout WriteRecord) -> Bool {
        switch sent[index] {
        case .exists: return acceptExistence(reply)
        case .write: return acceptWrite(reply, &record)
        case .script: return acceptScript(reply, &record)
        case .wait: return acceptAcknowledgement(reply)
        case .watch: return acceptPreparation(reply)
        case .value: return acceptValue(reply)
        case .multi:
            isInTransaction = reply.isSimple
            return acceptPreparation(reply)
        case .queue: return acceptQueued(reply, &record)
        case .execute: return acceptExecution(reply, &record)
        case .discard: return reply.isSimple || reply.isError
        }
    }

    private mutating func acceptExistence(_ reply: RedisReply) -> Bool {
        switch reply {
        case .integer(let count): existed = count > 0
        // What EXISTS may not say is missing in the answer.
        case .error: break
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    private mutating func acceptWrite(_ reply: RedisReply, _ record: inout WriteRecord) -> Bool {
        switch (reply, change) {
        case (.error(let text), _): record.replied(.init(error: text))
        case (.simple, .put) where reply.isOK:
            // The condition was met, so it says whether the key existed, not the EXISTS of a moment before.
            if condition.kind != .always { existed = condition.kind == .present }
            record.replied(.applied)
        case (.null, .put) where condition.kind == .absent || condition.kind == .present: record.replied(.unmet)
        case (.integer(let count), .delete):
            existed = count > 0
            record.replied(count > 0 ? .applied : .unmet)
        default: return false
        }
        return true
    }

    private mutating func acceptScript(_ reply: RedisReply, _ record: inout WriteRecord) -> Bool {
        switch reply {
        case .integer(let number):
            switch CompareScript.Reply(number) {
            case .unmet: record.replied(.unmet)
            case .applied(let existed):
                self.existed = existed
                record.replied(!existed && change.isDeletion ? .unmet : .applied)
            case .tooLong(let bytes) where bytes > Self.maximumComparedBytes:
                record.replied(.refused(.valueTooLargeToCompare(limitBytes: Self.maximumComparedBytes)))
            case .tooLong: tryNext(.transaction, instead: .writeContended, &record)
            case nil: return false
            }
        case .error(let text):
            let refusal = WriteRecord.Reply(error: text)
            guard case .refused(let problem) = refusal, case .script(let isKnown) = way else {
                record.replied(refusal)
                return true
            }
            if text.startsWithCode("NOSCRIPT"), isKnown {
                tryNext(.script(isKnown: false), instead: problem, &record)
            } else if text.startsWithCode("NOPERM") || text.startsWithCode("ERR") {
                tryNext(.transaction, instead: problem, &record)
            } else {
                record.replied(refusal)
            }
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    /// The attempt did nothing, and another way may do it.
    private mutating func tryNext(_ way: Way, instead problem: Problem, _ record: inout WriteRecord) {
        following = way
        record.replied(.refused(problem))
    }

    private mutating func acceptAcknowledgement(_ reply: RedisReply) -> Bool {
        switch reply {
        case .integer(let count): acknowledged = count
        case .error: break
        case .bulk, .simple, .null, .array: return false
        }
        return true
    }

    private mutating func acceptPreparation(_ reply: RedisReply) -> Bool {
        switch reply {
        case .simple: return true
        case .error(let text): refusePreparation(Problem(redisError: text))
        case .bulk, .integer, .null, .array:
            refusePreparation(.redisUnavailable(role: "Redis master"))
            return false
        }
        return true
    }

    private mutating func acceptValue(_ reply: RedisReply) -> Bool {
        switch reply {
        case .bulk(let value): stored = .value(KeyTag(of: value))
        case .null: stored = .nothing
        case .error(let text):
            if text.startsWithCode("WRONGTYPE") {
                stored = .other
            } else {
                refusePreparation(Problem(redisError: text))
            }
        case .simple, .integer, .array: return false
        }
        return true
    }

    private mutating func refusePreparation(_ problem: Problem) { preparationProblem = preparationProblem ?? problem }

    private func acceptQueued(_ reply: RedisReply, _ record: inout WriteRecord) -> Bool {
        // A command that is not queued has EXEC do nothing.
        if case .error(let text) = reply { record.replied(.init(error: text)) } else if !reply.isSimple { return false }
        return true
    }

    private mutating func acceptExecution(_ reply: RedisReply, _ record: inout WriteRecord) -> Bool {
        switch reply {
        case .null: tryNext(.transaction, instead: .writeContended, &record)
        case .error(let text):
            let cause = text.causeOfAbort
            record.replied(.init(error: cause.span))
        case .array(let replies):
            guard replies.count == 1 else { return false }
            switch (replies[0], change) {
            case (.simple(Array("OK".utf8)), .put): record.replied(.applied)
            case (.integer(let count), .delete): record.replied(count > 0 ? .applied : .unmet)
            case (.error(let text), _): record.replied(.init(error: text.span))
            default: return false
            }
        case .bulk, .simple, .integer: return false
        }
        return true
    }
}

extension Span<UInt8> {
    /// Why a transaction was given up: what follows in `EXECABORT Transaction discarded because of: READONLY …`; all of another
    /// text.
    var causeOfAbort: [UInt8] {
        text.split(separator: "because of: ", maxSplits: 1).last.map { Array($0.utf8) } ?? []
    }
}
