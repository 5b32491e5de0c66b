import RedisConf
import SeededRandomness

/// Throws random configurations at the grammar and holds it to its promises. A trap ends the process; a broken promise is
/// told by ``run(_:)``.
public struct Fuzzer {
    /// A promise that was not kept.
    public struct Finding: Error, CustomStringConvertible {
        public var promise: String
        public var input: [UInt8]

        public var description: String { "\(promise): \(input)" }
    }

    private var random: SplitMix64
    private let files: Files

    public init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        files = Files()
    }

    /// Tries this many inputs.
    /// - Returns: how many bytes they had.
    public mutating func run(_ count: Int) throws(Finding) -> Int {
        var total = 0
        for _ in 0..<count {
            let input = makeInput()
            total += input.count
            try check(input)
        }
        return total
    }

    private mutating func check(_ input: [UInt8]) throws(Finding) {
        var document = Document(input)
        guard document.rendered() == input else {
            throw Finding(promise: "what is not edited comes back", input: input)
        }
        _ = document.faults
        _ = document.hasSecrets
        _ = document.redacted()
        let effective = EffectiveConfiguration(
            document, path: Array("/main".utf8), folder: Array("/".utf8), expandsGlobs: random.below(2) == 0,
            files: files)
        _ = effective.linesWithTraps
        let name = Self.names[random.below(Self.names.count)]
        let arguments = (0..<1 + random.below(2)).map { _ in random.bytes(random.below(8)) }
        _ = effective.last(name)
        let keepsEarlier = random.below(8) == 0
        document.set(name, to: arguments, keepingEarlier: keepsEarlier)
        if random.below(4) == 0 { document.add("loadmodule", [random.bytes(3)]) }
        if random.below(4) == 0 { document.remove("save") }
        // A NUL joins lines for Redis: such a file is refused as a whole.
        guard !input.contains(0), !keepsEarlier else { return }
        let once = document.rendered()
        var again = Document(once)
        guard again.entries(named: name).last?.values == arguments else {
            throw Finding(promise: "what was set is read back", input: input)
        }
        guard again.set(name, to: arguments) == .unchanged, again.rendered() == once else {
            throw Finding(promise: "a second time changes nothing", input: input)
        }
    }

    // MARK: Inputs

    /// Some lines out of a real file's, each perhaps damaged, or nothing but noise.
    private mutating func makeInput() -> [UInt8] {
        if random.below(16) == 0 { return random.bytes(random.below(64)) }
        var input: [UInt8] = []
        for _ in 0..<random.below(6) {
            var line = Self.lines[random.below(Self.lines.count)]
            for _ in 0..<random.below(4) { damage(&line) }
            input += line
            if random.below(12) == 0 { input.append(UInt8(ascii: "\r")) }
            if random.below(24) != 0 { input.append(UInt8(ascii: "\n")) }
        }
        return input
    }

    private mutating func damage(_ line: inout [UInt8]) {
        let place = random.below(line.count + 1)
        switch random.below(6) {
        case 0: line.insert(Self.alphabet[random.below(Self.alphabet.count)], at: place)
        case 1: line.insert(UInt8(random.below(256)), at: place)
        case 2: if place < line.count { line.remove(at: place) }
        case 3: if place < line.count { line[place] = Self.alphabet[random.below(Self.alphabet.count)] }
        case 4: line.removeSubrange(place...)
        default: line.insert(contentsOf: Self.lines[random.below(Self.lines.count)].prefix(random.below(16)), at: place)
        }
    }

    private static let alphabet = Array("\n\r\t \"'\\#x4*?[]!-\u{B}\u{C}\0/.".utf8)

    private static let names: [DirectiveName] = ["replicaof", "bind", "dir", "requirepass", "port", "logfile"]

    private static let lines: [[UInt8]] = [
        "# bind 127.0.0.1", "bind 127.0.0.1 -::1", "BIND * -::*", "slaveof host 6379", "replicaof \"host\" '6379'",
        "dir ./", "dir /var/lib/redis", "save 3600 1 300 100", "save \"\"", "include a.conf", "include /b*.conf",
        "include \"[a-c]?.conf\"", "requirepass \"p\\x41\\n\"", "masterauth 'it\\'s'", "user default on >pass ~* +@all",
        "rename-command FLUSHALL \"\"", "client-output-buffer-limit replica 256mb 64mb 60", "logfile \"\"",
        "\"port\" 6379",
        "loadmodule /m.so a b", "   ", "", "# requirepass foobared", "pidfile /run/redis.pid", "daemonize yes # really",
    ].map { Array($0.utf8) }

    /// Files that include each other and themselves.
    private struct Files: ConfigurationFiles {
        func contents(ofFile path: [UInt8]) throws(FileProblem) -> [UInt8] {
            if path.last == UInt8(ascii: "!") { throw .denied }
            if path.elementsEqual("/a.conf".utf8) { return Array("include b.conf\ndir /x\nbind *\n".utf8) }
            if path.elementsEqual("/b.conf".utf8) { return Array("port 1\ninclude [b-z].conf\n".utf8) }
            throw .missing
        }

        func names(inFolder path: [UInt8]) -> [[UInt8]] { ["a.conf", "b.conf", ".c"].map { Array($0.utf8) } }

        func exists(_ path: [UInt8]) -> Bool { path.count < 8 }
    }
}

extension SplitMix64 {
    /// Faster than the standard library's numbers, and not the same ones: a seed's findings hang on it.
    fileprivate mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % bound }

    fileprivate mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(below(256)) } }
}
