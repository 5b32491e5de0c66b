import RedisConf

extension Planner {
    /// The rule for which redis-server would print a `user` line with its passwords: the index of that argument; nil where there
    /// is none. Between two versions that are known, what one of them prints counts.
    func printedRule(of entry: Document.Entry) -> Int? {
        guard let name = entry.values.first else { return nil }
        if name.isEmpty || name.contains(where: { $0 == 0x20 || (9...13).contains($0) || $0 == 0 }) { return 0 }
        for column in dialect.release?.columns ?? [.redis70] {
            let fault = AccessRules.fault(
                Array(entry.values.dropFirst()), column: column, purpose: .printing,
                channelsAreOpen: mayOpenChannels(column, at: entry))
            if let fault { return fault.argument + 1 }
        }
        return nil
    }

    /// Whether `acl-pubsub-default` lets a new user use every channel: where the line stands, or once all is read.
    ///
    /// A server tries the rules at both times. The setting is of 6.2, where all channels are the default; from 7.0 none is.
    private func mayOpenChannels(_ column: ServerColumn, at entry: Document.Entry) -> Bool {
        if column == .redis60 { return false }
        let isOpen = column == .redis62
        let lines = effective.all("acl-pubsub-default")
        guard !lines.isEmpty || !invocation.serverArguments.isEmpty || environment["REDIS_EXTRA_FLAGS"] != nil else {
            return isOpen
        }
        func opens(_ values: [[UInt8]]?) -> Bool? {
            values?.first.map { equalsIgnoringCase($0, "allchannels") }
        }
        let atEnd = opens(allArguments.last("acl-pubsub-default")) ?? opens(lines.last?.entry.values) ?? isOpen
        if atEnd || lines.isEmpty { return atEnd || isOpen }
        var soFar = isOpen
        for setting in effective.settings {
            if setting.entry == entry { break }
            if setting.entry.name == "acl-pubsub-default" { soFar = opens(setting.entry.values) ?? soFar }
        }
        return soFar
    }
}
