import RedisConf

/// Users in lines and in the file of users.
extension Planner {
    mutating func checkUsers(
        _ lines: [StartLine], _ release: ServerRelease, _ columns: [ServerColumn], hasModules: Bool
    ) {
        let atEnd = text("acl-pubsub-default", lines)
        var soFar: [UInt8]?
        var names: Set<[UInt8]> = []
        for line in lines {
            if line.name == "acl-pubsub-default" { soFar = line.arguments.first }
            guard line.name == "user", let name = line.arguments.first else { continue }
            if !names.insert(name).inserted, !columns.contains(where: \.isBefore7) {
                report(.userTwice(server: release.name), at: line.origin, release)
            }
            // A server tries the rules where the line stands, and again once all is read.
            if let fault = fault(line.arguments.dropFirst(), columns, hasModules, [soFar, atEnd]) {
                report(.refusedRule(fault, server: release.name), at: line.origin, release)
            }
        }
        guard let path = text("aclfile", lines), let bytes = try? files.contents(ofFile: opened(path)) else {
            return
        }
        names = []
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.trimmed
            guard !line.isEmpty else { continue }
            let origin = Origin.file(path: path, Position(line: number, column: 1))
            // Split at each blank: quotes mean nothing there, and two blanks have an empty word between them.
            let words = line.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
            guard words.count > 1, words[0] == utf8("user"), !words[1].contains(where: { (9...13).contains($0) }) else {
                report(.malformedUserFile, at: origin)
                continue
            }
            if !names.insert(words[1]).inserted, !columns.contains(where: \.isBefore7) {
                report(.userTwice(server: release.name), at: origin, release)
            }
            let rules = words.dropFirst(2).map { Array($0[...].trimmed) }
            if let fault = fault(rules[...], columns, hasModules, [atEnd]) {
                report(.refusedRule(fault, server: release.name), at: origin, release)
            }
        }
    }

    /// Why none of the servers takes the rules, with any of these values of `acl-pubsub-default`; nil where one does.
    private func fault(
        _ rules: ArraySlice<[UInt8]>, _ columns: [ServerColumn], _ hasModules: Bool, _ channels: [[UInt8]?]
    ) -> String? {
        var found: String?
        for column in columns {
            let faults = channels.compactMap { words in
                AccessRules.fault(
                    Array(rules), column: column, purpose: hasModules ? .startingWithModules : .starting,
                    channelsAreOpen: column != .redis60
                        && words.map { equalsIgnoringCase($0, "allchannels") } ?? (column == .redis62))
            }
            guard let fault = faults.first else { return nil }
            found = fault.reason
        }
        return found
    }

}

extension ArraySlice<UInt8> {
    /// Without the white space around it.
    fileprivate var trimmed: ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (9...13).contains(byte) }
        let front = drop(while: isSpace)
        return front[..<(front.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? front.startIndex)]
    }
}
