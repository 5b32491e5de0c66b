import HTTPWire

/// Under which condition a key is written: If-Match and If-None-Match of a PUT or DELETE (RFC 9110 §13.1).
///
/// The key has no date, so that If-Unmodified-Since says nothing (§13.1.4).
struct WriteCondition: Equatable, Sendable {
    /// What a key holds.
    enum Stored: Equatable, Sendable {
        case nothing
        case value(KeyTag)
        /// A value of another type than string: it has no tag.
        case other
    }

    /// What has to be known of the key for the condition to be decided.
    enum Kind: Equatable, Sendable {
        case always, never
        /// Whether there is a value.
        case absent, present
        /// Its tag.
        case compare
    }

    var match: EntityTagList?
    var noneMatch: EntityTagList?

    init(match: EntityTagList? = nil, noneMatch: EntityTagList? = nil) {
        self.match = match
        self.noneMatch = noneMatch
    }

    /// - Throws: ``Problem/unsupportedPrecondition`` where a field is not well-formed, or was sent in several lines: a part
    ///   of a condition is another condition.
    init(_ request: borrowing RequestView) throws(Problem) {
        if let field = request.value(of: .ifMatch) {
            guard !request.head.isRepeated(.ifMatch), let tags = EntityTagList(wellFormed: field, .strong) else {
                throw .unsupportedPrecondition
            }
            match = tags
        }
        if let field = request.value(of: .ifNoneMatch) {
            guard !request.head.isRepeated(.ifNoneMatch), let tags = EntityTagList(wellFormed: field, .weak) else {
                throw .unsupportedPrecondition
            }
            noneMatch = tags
        }
    }

    var kind: Kind {
        switch (match, noneMatch) {
        case (nil, nil), (nil, .noTag): .always
        case (.noTag, _), (.any, .any), (.tags, .any): .never
        case (nil, .any): .absent
        case (.any, nil), (.any, .noTag): .present
        case (.tags, nil), (.tags, .noTag), (nil, .tags), (.any, .tags), (.tags, .tags): .compare
        }
    }

    func isMet(by stored: Stored) -> Bool {
        let matches =
            switch match {
            case nil: true
            case .any: stored != .nothing
            case .some(let tags): tags.names(stored)
            }
        let differs =
            switch noneMatch {
            case nil: true
            case .any: stored == .nothing
            case .some(let tags): !tags.names(stored)
            }
        return matches && differs
    }
}

extension EntityTagList {
    fileprivate func names(_ stored: WriteCondition.Stored) -> Bool {
        if case .value(let tag) = stored { matches(tag) } else { false }
    }
}
