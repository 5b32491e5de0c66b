import HTTPWire

extension RequestView {
    /// The values that the client has already.
    var knownTags: EntityTagList {
        guard let field = value(of: .ifNoneMatch) else { return .noTag }
        return EntityTagList(parsing: field)
    }

    /// If-Match and If-None-Match of a read.
    ///
    /// - Throws: ``Problem/unsupportedPrecondition`` where an If-Match is not well-formed, or was sent in several lines.
    var readPreconditions: ReadPreconditions {
        get throws(Problem) {
            var preconditions = ReadPreconditions(known: knownTags)
            guard let field = value(of: .ifMatch) else { return preconditions }
            guard !head.isRepeated(.ifMatch), let tags = EntityTagList(wellFormed: field, .strong) else {
                throw .unsupportedPrecondition
            }
            preconditions.required = tags
            return preconditions
        }
    }

    /// For a path whose answer is no value: If-Match has nothing to be compared with, and If-None-Match of a write neither.
    ///
    /// - Throws: ``Problem/unsupportedPrecondition``.
    func refusePreconditions() throws(Problem) {
        if head.value(of: .ifMatch) != nil || (head.method == .post && head.value(of: .ifNoneMatch) != nil) {
            throw .unsupportedPrecondition
        }
    }
}
