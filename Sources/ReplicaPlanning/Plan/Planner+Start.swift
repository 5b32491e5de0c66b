import RedisConf

/// A line that the server will read: as the file has it, as it was decided, or as an argument says it.
struct StartLine {
    /// The name as it is spelled there.
    var spelling: [UInt8]
    var name: DirectiveName
    var arguments: [[UInt8]]
    var origin: Origin?
}

extension Planner {
    /// What would end the server while it starts, by what servers of its version do.
    ///
    /// - Parameters:
    ///   - arguments: redis-server's own, which win over the file.
    ///   - hasFeature: asks the installed server how it was built; nil where it does not say.
    mutating func checkStart(
        _ release: ServerRelease, arguments: [(ServerArguments, Origin)], hasFeature: (BuildFeature) -> Bool?
    ) {
        let columns = release.columns
        let lines = linesToBeRead(arguments)
        let hasModules = lines.contains { $0.name == "loadmodule" }
        // A file may have thousands of lines of one name.
        var looked: (spelling: [UInt8], facts: DirectiveFacts?) = ([], nil)
        for line in lines {
            if line.spelling != looked.spelling { looked = (line.spelling, DirectiveTable.facts(line.spelling)) }
            check(line, looked.facts, release, columns, hasModules: hasModules)
        }
        checkRenamed(lines, release, columns, hasModules: hasModules)
        checkUsers(lines, release, columns, hasModules: hasModules)
        checkFolders(lines)
        checkNamedFiles(lines, release, columns, hasModules: hasModules)
        checkPorts(lines, release)
        checkBuild(lines, release, hasFeature)
    }

    mutating func report(_ problem: StartProblem, at origin: Origin?, _ release: ServerRelease? = nil) {
        // What is wrong with a line is reported once.
        if case .file(let path, let place) = origin {
            let isTold = diagnostics.contains { diagnostic in
                guard diagnostic.severity == .error, case .file(path, let other) = diagnostic.origin else {
                    return false
                }
                return other.line == place.line
            }
            if isTold { return }
        }
        report(release?.isInTable ?? true ? .error : .warning, .start(problem), at: origin)
    }

    private func linesToBeRead(_ arguments: [(ServerArguments, Origin)]) -> [StartLine] {
        var lines: [StartLine] = []
        for setting in effective.settings where setting.file != 0 || !document.isChanged(setting.entry) {
            let entry = setting.entry
            lines.append(
                StartLine(
                    spelling: entry.spelling, name: entry.name, arguments: entry.values, origin: origin(of: setting)))
        }
        for decision in decisions where decision.action == .replaced || decision.action == .appended {
            lines.append(
                StartLine(
                    spelling: utf8(decision.directive.text), name: decision.directive, arguments: decision.arguments,
                    origin: decision.origin))
        }
        for (arguments, origin) in arguments {
            let read = read(arguments)
            for setting in read.settings {
                let place = Origin.file(path: read.files[setting.file].path, setting.entry.position)
                lines.append(
                    StartLine(
                        spelling: setting.entry.spelling, name: setting.entry.name, arguments: setting.entry.values,
                        origin: setting.file == 0 ? origin : place))
            }
        }
        return lines
    }

    /// The arguments that win in the end.
    func last(_ name: DirectiveName, _ lines: [StartLine]) -> StartLine? { lines.last { $0.name == name } }

    func text(_ name: DirectiveName, _ lines: [StartLine]) -> [UInt8]? {
        last(name, lines)?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: One line

    private mutating func check(
        _ line: StartLine, _ facts: DirectiveFacts?, _ release: ServerRelease, _ columns: [ServerColumn],
        hasModules: Bool
    ) {
        let kinds = columns.map { (column: $0, kind: facts?.kind(in: $0)) }
        guard kinds.contains(where: { $0.kind != nil }) else {
            // Modules bring settings of their own, from 7.0 with a point in the name, from 8.0 without.
            let isModules = line.spelling.contains(UInt8(ascii: ".")) && columns.contains { !$0.isBefore7 }
            if isModules || columns.contains(.redis80), hasModules { return }
            if isModules { return report(.moduleSettingWithoutModule, at: line.origin, release) }
            report(unknown(line, facts, release, columns), at: line.origin, release)
            return
        }
        var fault: ArgumentFault?
        for (column, kind) in kinds {
            guard let kind else { continue }
            fault = kind.fault(line.arguments, column: column)
            if fault == nil { break }
        }
        if let fault { report(.refusedArguments(line.name, fault, server: release.name), at: line.origin, release) }
        if line.name == "save", fault == nil, columns.contains(where: \.isBefore7), line.arguments.count != 2,
            line.arguments != [[]]
        {
            report(.warning, .start(.saveWithoutEffect(server: release.name)), at: line.origin)
        }
    }

    private func unknown(
        _ line: StartLine, _ facts: DirectiveFacts?, _ release: ServerRelease, _ columns: [ServerColumn]
    ) -> StartProblem {
        guard let facts else {
            let isRemoved = DirectiveTable.removed.contains { equalsIgnoringCase(line.spelling, $0) }
            return .unknownDirective(
                name: isRemoved ? shown(line.spelling) : nil, others: [],
                instead: isRemoved ? nil : DirectiveTable.nearest(line.spelling, in: columns), server: release.name)
        }
        // Another spelling of the same directive.
        let instead = DirectiveName.spellings(of: line.name).first { spelling in
            DirectiveTable.facts(utf8(spelling)).map { facts in columns.contains { facts.kind(in: $0) != nil } }
                ?? false
        }
        var others: [String] = []
        for column in facts.columns where !others.contains(column.name) { others.append(column.name) }
        return .unknownDirective(
            name: shown(line.spelling), others: others, instead: instead, server: release.name)
    }

    // MARK: Commands and users

    private mutating func checkRenamed(
        _ lines: [StartLine], _ release: ServerRelease, _ columns: [ServerColumn], hasModules: Bool
    ) {
        guard !hasModules, release.isInTable else { return }
        var renamed: [[UInt8]] = []
        for line in lines where line.name == "rename-command" && line.arguments.count == 2 {
            let (old, new) = (line.arguments[0].lowercasedASCII, line.arguments[1].lowercasedASCII)
            if !columns.contains(where: { DirectiveTable.hasCommand(old, $0) }) || renamed.contains(old) {
                report(.unknownCommand(server: release.name), at: line.origin)
                continue
            }
            renamed.append(old)
            if !new.isEmpty, !renamed.contains(new), columns.allSatisfy({ DirectiveTable.hasCommand(new, $0) }) {
                report(.commandNameTaken(server: release.name), at: line.origin)
            }
        }
    }
}

extension Sequence<UInt8> {
    /// The letters of ASCII in lower case.
    var lowercasedASCII: [UInt8] { map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 } }
}
