import ProgramStart
import Testing

@Suite("The text of --help")
struct HelpTests {
    @Test("the usage comes first, and all else stays")
    func usage() {
        let text = "OVERVIEW: What it does.\n\nMore of it.\n\nUSAGE: program [--flag]\n\nOPTIONS:\n  --flag\n\n"
        let expected = "USAGE: program [--flag]\n\nOVERVIEW: What it does.\n\nMore of it.\n\nOPTIONS:\n  --flag\n\n"
        #expect(Help.usageFirst(text) == expected)
        #expect(Help.usageFirst(expected) == expected)
    }

    @Test("a text without a usage stays", arguments: ["", "program 0.1.0", "a\n\nb USAGE: c"])
    func none(text: String) { #expect(Help.usageFirst(text) == text) }
}
