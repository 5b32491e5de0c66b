import RedisConf

/// The first byte chooses what is done with the rest.
func checkRedisConf(_ input: [UInt8]) throws(BrokenPromise) {
    let choice = input.first ?? 0
    let file = Array(input.dropFirst())
    let quotes: QuoteRule = choice & 1 == 0 ? .endsToken : .joinsText
    try checkQuoting(file, quotes)
    var document = Document(file, quotes: quotes)
    try require(document.rendered() == file, "what is not edited comes back")
    _ = document.faults
    _ = document.hasSecrets
    _ = document.redacted()
    let effective = EffectiveConfiguration(
        document, path: Array("/main".utf8), folder: Array("/".utf8), expandsGlobs: choice & 2 == 0, files: Files())
    _ = effective.linesWithTraps
    let names: [DirectiveName] = ["replicaof", "bind", "dir", "requirepass", "port", "logfile", "save", "user"]
    let name = names[Int(choice >> 2 & 7)]
    let keepsEarlier = choice & 0x20 != 0
    // An argument out of the file itself.
    let start = file.count / 3
    let arguments =
        [Array(file[start..<min(file.count, start + 8)])] + (choice & 0x40 == 0 ? [] : [[0, 13, 10, 34, 92]])
    _ = effective.last(name)
    document.set(name, to: arguments, keepingEarlier: keepsEarlier)
    if choice & 0x80 != 0 {
        document.add("loadmodule", [Array(file.suffix(3))])
        document.remove("masterauth")
    }
    // A NUL joins lines for Redis: such a file is refused as a whole.
    guard !file.contains(0), !keepsEarlier else { return }
    let once = document.rendered()
    var again = Document(once, quotes: quotes)
    try require(again.entries(named: name).last?.values == arguments, "what was set is read back", text(once))
    try require(
        again.set(name, to: arguments) == .unchanged && again.rendered() == once, "a second time changes nothing")
}

private func checkQuoting(_ bytes: [UInt8], _ quotes: QuoteRule) throws(BrokenPromise) {
    let line = quoted(bytes)
    try require(line.allSatisfy { 0x20...0x7E ~= $0 }, "a quoted argument is plain text on one line")
    do throws(TokenError) {
        let tokens = try splitArguments(line, quotes: quotes)
        guard tokens.map(\.bytes) == [bytes] else { throw .unterminatedQuote(offset: -1) }
    } catch {
        throw BrokenPromise("an argument is read back as it was quoted", text(line))
    }
    // A line that can be split results in the same parts after it is written again.
    guard let tokens = try? splitArguments(bytes, quotes: quotes).map(\.bytes), !tokens.isEmpty else { return }
    let written = tokens.map(quoted).reduce([]) { $0.isEmpty ? $1 : $0 + [0x20] + $1 }
    let again = try? splitArguments(written, quotes: quotes).map(\.bytes)
    try require(again == tokens, "a line is the same when it is written again", text(written))
}

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
