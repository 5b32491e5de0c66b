/// What redis-server would have in effect after reading a file and everything it includes, in reading order.
///
/// `include` is read where it stands, relative to the folder in force at that point; `dir` changes that folder at once.
/// From 7.0 its path may be a glob pattern that matches nothing.
public struct EffectiveConfiguration: Equatable, Sendable {
    /// One file, as often as it was read.
    public struct File: Equatable, Sendable {
        public var path: [UInt8]
        public var document: Document
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

    private var order: [Reference] = []
    private var folder: [UInt8]
    private let expandsGlobs: Bool
    private var sawDirectory = false

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

    /// The well-formed lines that hold a `#` or are a secret directive's: few, where a file has many lines.
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
                    mayBeTrap: directive.hasHash || directive.mayBeSecret))
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
        let paths = expandsGlobs && Glob.isPattern(target) ? Glob.expand(target, in: provider) : [target]
        for path in paths {
            if open.contains(path) || open.count > 64 {
                fault(.includeCycle(path: path))
                return false
            }
            do throws(FileProblem) {
                files.append(File(path: path, document: Document(try provider.contents(ofFile: path))))
            } catch {
                fault(.unreadableInclude(path: path, error))
                continue
            }
            guard read(file: files.count - 1, open: open + [path], from: provider) else { return false }
        }
        return true
    }

    private static let include: DirectiveName = "include"
    private static let directory: DirectiveName = "dir"
}
