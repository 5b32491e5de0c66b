/// What redis-server would have in effect after reading a file and everything it includes, in reading order.
///
/// `include` is read where it stands, relative to the folder in force at that point; `dir` changes that folder at once.
/// From 7.0 its path may be a glob pattern that matches nothing; the files that it matches are read as one text.
public struct EffectiveConfiguration: Equatable, Sendable {
    /// One file, as often as it was read.
    public struct File: Equatable, Sendable {
        public var path: [UInt8]
        public var document: Document
    }

    /// The last line of a file, and the file whose first line the server reads as its continuation.
    public struct JoinedLine: Equatable, Sendable {
        public var file: [UInt8]
        public var position: Position
        public var next: [UInt8]

        public init(file: [UInt8], position: Position, next: [UInt8]) {
            self.file = file
            self.position = position
            self.next = next
        }
    }

    /// One directive and the file it stands in; file 0 is the main one.
    public struct Setting: Equatable, Sendable {
        public var file: Int
        public var entry: Document.Entry
    }

    public private(set) var files: [File]
    /// What is wrong in any of the files, in reading order.
    public private(set) var faults: [LocatedFault] = []
    /// Whether a relative include is read from the folder that a `dir` line names: then `dir` lines must stay.
    public private(set) var directoryMustStay = false

    /// Whether an include may name several files from 7.0 on, and names one file before.
    public private(set) var hasPattern = false

    /// Lines that are one line to the server because a file that a pattern matches does not end in a newline.
    public private(set) var joinedLines: [JoinedLine] = []

    private var order: [Reference] = []
    /// The folder that redis-server is in once it has read everything: where it opens what is named without a `/` in front,
    /// but for includes.
    public private(set) var folder: [UInt8]
    private let expandsGlobs: Bool
    private var sawDirectory = false
    private var bounds = ConfigurationBounds()

    private struct Reference: Equatable, Sendable {
        var file: Int32
        var directive: Int32
        var fingerprint: UInt32
        var mayBeTrap: Bool
    }

    /// Reads `document` and what it includes.
    /// - Parameters:
    ///   - path: of the main file, for messages and to notice a file that includes itself.
    ///   - folder: the folder redis-server starts in.
    ///   - expandsGlobs: true from 7.0.
    public init<Files: ConfigurationFiles>(
        _ document: Document, path: [UInt8], folder: [UInt8], expandsGlobs: Bool, files provider: Files
    ) {
        files = [File(path: path, document: document)]
        self.folder = folder
        self.expandsGlobs = expandsGlobs
        order.reserveCapacity(document.directives.count)
        // Who read it has judged it.
        _ = bounds.take(document.bytes)
        _ = read(file: 0, open: [path], from: provider)
    }

    /// The last line of a directive, which wins where it does not accumulate.
    public func last(_ name: DirectiveName) -> Setting? {
        for reference in order.reversed() {
            if let setting = setting(reference, ifNamed: name) { return setting }
        }
        return nil
    }

    /// Every line of a directive in reading order.
    public func all(_ name: DirectiveName) -> [Setting] {
        order.compactMap { setting($0, ifNamed: name) }
    }

    /// Every well-formed line in reading order.
    public var settings: [Setting] {
        order.compactMap { reference in
            files[Int(reference.file)].document.entry(Int(reference.directive)).map {
                Setting(file: Int(reference.file), entry: $0)
            }
        }
    }

    /// The main file's bytes as they were read.
    public var original: [UInt8] { files[0].document.bytes }

    /// The well-formed lines that hold a `#`, may hold a secret, have an argument too many, or a name that no server knows:
    /// few, where a file has many lines.
    public var linesWithTraps: [Setting] {
        order.compactMap { reference in
            guard reference.mayBeTrap else { return nil }
            return files[Int(reference.file)].document.entry(Int(reference.directive)).map {
                Setting(file: Int(reference.file), entry: $0)
            }
        }
    }

    private func setting(_ reference: Reference, ifNamed name: DirectiveName) -> Setting? {
        guard reference.fingerprint == name.fingerprint,
            let entry = files[Int(reference.file)].document.entry(Int(reference.directive)), entry.name == name
        else { return nil }
        return Setting(file: Int(reference.file), entry: entry)
    }

    /// Reads one file's directives in order. False stops everything: a cycle would never end.
    private mutating func read<Files: ConfigurationFiles>(
        file: Int, open: [[UInt8]], from provider: Files
    ) -> Bool {
        let document = files[file].document
        for (position, fault) in document.faults {
            faults.append(LocatedFault(file: files[file].path, position: position, fault: fault))
        }
        for (index, directive) in document.directives.enumerated() {
            order.append(
                Reference(
                    file: Int32(file), directive: Int32(index), fingerprint: directive.fingerprint,
                    mayBeTrap: directive.mayBeTrap))
            if directive.fingerprint == Self.include.fingerprint, let entry = document.entry(index),
                entry.name == Self.include
            {
                guard include(entry, in: file, open: open, from: provider) else { return false }
            } else if directive.fingerprint == Self.directory.fingerprint, let entry = document.entry(index),
                entry.name == Self.directory, let path = entry.values.first
            {
                folder = join(folder, path)
                sawDirectory = true
            }
        }
        return true
    }

    private mutating func include<Files: ConfigurationFiles>(
        _ entry: Document.Entry, in file: Int, open: [[UInt8]], from provider: Files
    ) -> Bool {
        func fault(_ fault: Fault) {
            faults.append(LocatedFault(file: files[file].path, position: entry.position, fault: fault))
        }
        guard entry.arguments.count == 1, let path = entry.values.first, !path.isEmpty else {
            fault(.includeWithoutPath)
            return true
        }
        if path[0] != Byte.slash, sawDirectory { directoryMustStay = true }
        let target = join(folder, path)
        if Glob.isPattern(target) { hasPattern = true }
        let paths = expandsGlobs && Glob.isPattern(target) ? Glob.expand(target, in: provider) : [target]
        var parts: [(path: [UInt8], bytes: [UInt8])] = []
        for path in paths {
            if open.contains(path) || open.count > 64 {
                fault(.includeCycle(path: path))
                return false
            }
            do throws(FileProblem) {
                let contents = try provider.contents(ofFile: path)
                if let problem = bounds.take(contents) {
                    fault(.unreadableInclude(path: path, problem))
                    return false
                }
                parts.append((path, contents))
            } catch {
                if error != .folder { fault(.unreadableInclude(path: path, error)) }
            }
        }
        joinOpenLines(of: &parts)
        for (path, bytes) in parts {
            files.append(File(path: path, document: Document(bytes, quotes: files[0].document.quotes)))
            guard read(file: files.count - 1, open: open + [path], from: provider) else { return false }
        }
        return true
    }

    /// Moves the first line of a file to the end of the one before it where that does not end in a newline: the server
    /// reads all files of a pattern as one text. An empty line stays in its place, so that line numbers stay right.
    private mutating func joinOpenLines(of parts: inout [(path: [UInt8], bytes: [UInt8])]) {
        var open: Int?
        for index in parts.indices where !parts[index].bytes.isEmpty {
            let bytes = parts[index].bytes
            if let open {
                let end = bytes.firstIndex(of: Byte.newline).map { $0 + 1 } ?? bytes.count
                note(joinOf: parts[open], with: parts[index].path, line: bytes[..<end])
                parts[open].bytes += bytes[..<end]
                parts[index].bytes = (end < bytes.count ? [Byte.newline] : []) + bytes[end...]
                if bytes[end - 1] != Byte.newline { continue }
            }
            open = bytes.last == Byte.newline ? nil : index
        }
    }

    private mutating func note(
        joinOf part: (path: [UInt8], bytes: [UInt8]), with next: [UInt8], line: ArraySlice<UInt8>
    ) {
        let start = part.bytes.lastIndex(of: Byte.newline).map { $0 + 1 } ?? 0
        let isBlank = { (byte: UInt8) in Byte.isTrimmed(byte) || byte == Byte.newline }
        guard !part.bytes[start...].allSatisfy(isBlank), !line.allSatisfy(isBlank) else { return }
        let number = part.bytes.count { $0 == Byte.newline } + 1
        joinedLines.append(JoinedLine(file: part.path, position: Position(line: number, column: 1), next: next))
    }

    private static let include: DirectiveName = "include"
    private static let directory: DirectiveName = "dir"
}
