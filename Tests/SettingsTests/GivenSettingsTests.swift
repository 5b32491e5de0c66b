import Settings
import Testing

@Suite("Given settings")
struct GivenSettingsTests {
    private static let variables = VariableList([
        Variable("TEXT", .program, "A text."), Variable("MASTER", .program, "A host.", default: "redis-master"),
        Variable("PORT", .program, "A port.", .number(1...65535), default: "8080"),
        Variable("LOOPS", .program, "A number.", .number(1...1024), default: .described("one a core")),
        Variable("FORM", .program, "A choice.", .choice(["json", "text"]), default: "json"),
        Variable("KIND", .program, "A choice.", .choice(["a", "b"])),
        Variable("SHARED", .program, "Yes or no.", .yesOrNo, default: "no"),
        Variable("WORD", .other, "A secret.", .secret), Variable("WORD_FILE", .other, "Its file."),
    ])

    private func given(_ values: [String: String], flags: Set<String> = []) -> GivenSettings {
        GivenSettings(of: Self.variables, flags: flags) { values[$0.name] }
    }

    @Test func `are what was given, else the defaults; an empty text is not given`() throws {
        for nothing in [given([:]), given(Dictionary(uniqueKeysWithValues: Self.variables.map { ($0.name, "") }))] {
            #expect(nothing.value("TEXT") == nil)
            #expect(nothing.value("MASTER") == nil)
            #expect(try nothing.host("TEXT") == nil)
            #expect(try nothing.host("MASTER") == "redis-master")
            #expect(try nothing.port("PORT") == 8080)
            #expect(try nothing.count("PORT") == 8080)
            #expect(try nothing.number("LOOPS") == nil)
            #expect(try nothing.choice("FORM") == "json")
            #expect(try nothing.choice("KIND") == nil)
            #expect(try nothing.isYes("SHARED") == nil)
            #expect(try nothing.secret("WORD") { _ throws(ConfigurationError) in [1] } == nil)
        }
        let given = given(["TEXT": " t ", "MASTER": "::1", "PORT": "1", "LOOPS": "1024", "FORM": "TEXT", "KIND": "b"])
        #expect(given.value("TEXT") == " t ")
        #expect(try given.host("MASTER") == "::1")
        #expect(try given.port("PORT") == 1)
        #expect(try given.number("LOOPS") == 1024)
        #expect(try given.choice("FORM") == "text")
        #expect(try given.choice("KIND") == "b")
    }

    @Test(arguments: [("yes", true), ("TRUE", true), ("1", true), ("on", true), ("no", false), ("Off", false)])
    func `are yes or no in the words that there are for it`(text: String, isYes: Bool) throws {
        #expect(try given(["SHARED": text]).isYes("SHARED") == isYes)
    }

    @Test(arguments: [
        ("PORT", "0", "is '0'; give it a port, 1…65535"), ("PORT", "+1", "is '+1'; give it a port, 1…65535"),
        ("PORT", "99999999999999999999", "is '99999999999999999999'; give it a port, 1…65535"),
        (
            "PORT", "tcp://10.0.0.1:80",
            "is 'tcp://10.0.0.1:80', a link that Kubernetes injects for a Service of that name; set "
        ), ("LOOPS", "1025", "is '1025'; give it a number, 1…1024"), ("LOOPS", "٣", "is '٣'; give it a number, 1…1024"),
        ("FORM", "xml", "is 'xml'; it takes json or text"), ("SHARED", "si", "is 'si'; it takes yes or no"),
        ("MASTER", "http://redis", "is 'http://redis'; give it a host name or an address alone"),
        ("MASTER", "a b", "is 'a b'; give it a host name or an address alone"),
        ("MASTER", "127.0.0.1%lo", "is '127.0.0.1%lo'; give it a host name or an address alone"),
        ("MASTER", "$(id)", "is '$(id)'; give it a host name or an address alone"),
        ("MASTER", "a\"", "is 'a\"'; give it a host name or an address alone"),
        ("MASTER", "\u{1B}[31m", #"is '\x1b[31m'; give it a host name or an address alone"#),
        ("PORT", "1\n2\u{9B}\u{202E}", #"is '1\x0a2\u009b\u202e'; give it a port, 1…65535"#),
        ("LOOPS", "1\r\n", #"is '1\x0d\x0a'; give it a number, 1…1024"#),
        (
            "SHARED", String(repeating: "é", count: 5000),
            "is '\(String(repeating: "é", count: 100))…'; it takes yes or no"
        ),
    ])
    func `are refused by name, with the cure, where they cannot be meant`(name: String, text: String, cure: String) {
        func readAll(_ settings: GivenSettings) throws {
            _ = try settings.host("MASTER")
            _ = try settings.port("PORT")
            _ = try settings.number("LOOPS")
            _ = try settings.choice("FORM")
            _ = try settings.isYes("SHARED")
        }
        for isFlag in [false, true] {
            let flags: Set = isFlag ? [name] : []
            let shown = SettingName(name, isFlag: isFlag)
            #expect {
                try readAll(given([name: text], flags: flags))
            } throws: { error in
                "\(error)".hasPrefix("\(shown) \(cure)")
                    && (error as? ConfigurationError)?.isUsage == isFlag
            }
        }
    }

    @Test(arguments: [("w\n", "w"), ("w\r\n", "w"), ("w", "w"), ("w\n\n", "w\n"), ("w\r", "w\r"), ("a\nb\n", "a\nb")])
    func `take the same bytes of a secret from its variable and from its file`(text: String, bytes: String) throws {
        func read(_: String) throws(ConfigurationError) -> [UInt8] { Array(text.utf8) }
        for given in [given(["WORD": text]), given(["WORD_FILE": "f"])] {
            #expect(try given.secret("WORD", read) == Array(bytes.utf8))
            let doubts = try given.doubts(aboutSecret: "WORD", read)
            #expect(doubts.isEmpty != (bytes.contains("\n") || bytes.contains("\r")), "\(doubts)")
        }
        #expect(throws: ConfigurationError.emptySecret(variable: "WORD", "")) {
            try given(["WORD": "\n"]).secret("WORD", read)
        }
        #expect(try given(["WORD": "\u{FEFF}w"]).doubts(aboutSecret: "WORD", read).count == 1)
    }

    @Test func `are found under the names that they have for Valkey, unless they differ`() throws {
        let variables = VariableList([
            Variable("REDIS_PASSWORD", .other, "", .secret), Variable("REDIS_PASSWORD_FILE", .other, ""),
            Variable("REDIS_DATABASE", .other, "", .number(0...9), default: "0"),
            Variable("REDIS_MASTER_SERVICE_HOST", .other, "", default: "m"),
        ])
        func given(_ values: [String: String], flags: [String: String] = [:]) -> GivenSettings {
            func text(_ name: String) -> String? { values[name] }
            return GivenSettings(of: variables, flags: Set(flags.keys), lookUpName: text) {
                flags[$0.name] ?? values[$0.name]
            }
        }
        func read(_ path: String) throws(ConfigurationError) -> [UInt8] { Array("of \(path)".utf8) }
        #expect(try given(["VALKEY_PASSWORD": "p"]).secret("REDIS_PASSWORD", read) == Array("p".utf8))
        #expect(try given(["VALKEY_PASSWORD_FILE": "f"]).secret("REDIS_PASSWORD", read) == Array("of f".utf8))
        #expect(try given(["VALKEY_DATABASE": "3"]).number("REDIS_DATABASE") == 3)
        #expect(try given(["VALKEY_DATABASE": "3"], flags: ["REDIS_DATABASE": "4"]).number("REDIS_DATABASE") == 4)
        #expect(try given(["VALKEY_PRIMARY_SERVICE_HOST": "v"]).host("REDIS_MASTER_SERVICE_HOST") == "v")
        let hosts = ["REDIS_MASTER_SERVICE_HOST": "r", "VALKEY_MASTER_SERVICE_HOST": "v"]
        #expect(try given(hosts).host("REDIS_MASTER_SERVICE_HOST") == "r")
        #expect(throws: ConfigurationError.notANumber(variable: "VALKEY_DATABASE", "x", 0...9)) {
            try given(["VALKEY_DATABASE": "x"]).number("REDIS_DATABASE")
        }
        let two = given(["REDIS_PASSWORD": "p", "VALKEY_PASSWORD": "q"])
        #expect(throws: ConfigurationError.differentNames("REDIS_PASSWORD", "VALKEY_PASSWORD")) {
            try two.secret("REDIS_PASSWORD", read)
        }
        #expect(throws: ConfigurationError.differentNames("REDIS_PASSWORD", "VALKEY_PASSWORD")) { try two.checkNames() }
        #expect(try given(["REDIS_PASSWORD": "p", "VALKEY_PASSWORD": "p"]).secret("REDIS_PASSWORD", read) == [112])
    }

    @Test func `take any bytes of a secret, from its variable as from its file`() throws {
        let secret: [UInt8] = [0xFF, 0x61, 0xC3, 0x28, 0x80]
        func read(_: String) throws(ConfigurationError) -> [UInt8] { secret + [10] }
        func given(_ bytes: [String: [UInt8]], _ texts: [String: String] = [:]) -> GivenSettings {
            func raw(_ name: String) -> [UInt8]? { bytes[name] }
            return GivenSettings(of: Self.variables, flags: [], lookUpBytes: raw) { texts[$0.name] }
        }
        #expect(try given(["WORD": secret]).secret("WORD", read) == secret)
        #expect(try given(["WORD": secret + [10]]).secret("WORD", read) == secret)
        #expect(try given([:], ["WORD_FILE": "f"]).secret("WORD", read) == secret)
        #expect(try given(["WORD": []], ["WORD": ""]).secret("WORD", read) == nil)
        #expect(given(["WORD": secret]).lines(of: [.other])[0] == "WORD=<redacted> # environment")
        // What is no secret is a text.
        #expect(given(["TEXT": secret], ["TEXT": "t"]).value("TEXT") == "t")
        let variables = VariableList([
            Variable("REDIS_PASSWORD", .other, "", .secret), Variable("REDIS_PASSWORD_FILE", .other, ""),
        ])
        func raw(_ name: String) -> [UInt8]? { ["REDIS_PASSWORD": [0xFF], "VALKEY_PASSWORD": [0xFE]][name] }
        let two = GivenSettings(of: variables, flags: [], lookUpBytes: raw) { _ in nil }
        #expect(throws: ConfigurationError.differentNames("REDIS_PASSWORD", "VALKEY_PASSWORD")) {
            try two.secret("REDIS_PASSWORD", read)
        }
    }

    @Test func `take a secret from its file, without its last newline`() throws {
        let settings = given(["WORD_FILE": "/run/word"])
        let secret = try settings.secret("WORD") { path throws(ConfigurationError) in Array("\(path)\n\n".utf8) }
        #expect(secret == Array("/run/word\n".utf8))
        #expect(try given(["WORD": "w\n"]).secret("WORD") { _ throws(ConfigurationError) in [] } == Array("w".utf8))
    }

    @Test func `refuse a secret given twice, and a file that is empty or cannot be read`() {
        func read(_ values: [String: String], flags: Set<String> = [], _ error: ConfigurationError? = nil) throws {
            _ = try given(values, flags: flags).secret("WORD") { _ throws(ConfigurationError) in
                if let error { throw error }
                return [10]
            }
        }
        #expect(throws: ConfigurationError.conflict("WORD", "WORD_FILE")) { try read(["WORD": "w", "WORD_FILE": "f"]) }
        #expect(throws: ConfigurationError.emptySecret(variable: "WORD_FILE", "f")) { try read(["WORD_FILE": "f"]) }
        let name = SettingName("WORD_FILE", isFlag: true)
        let unreadable = ConfigurationError.unreadableFile("f", reason: "why", variable: name)
        #expect(throws: unreadable) {
            try read(["WORD_FILE": "f"], flags: ["WORD_FILE"], .unreadableFile("f", reason: "why"))
        }
        #expect(unreadable.description == "cannot read 'f', which --word-file (WORD_FILE) names: why")
        #expect(!unreadable.isUsage)
    }

    @Test func `are printed in effect, each with its source, words that a shell takes, and no secret`() {
        let values = [
            "TEXT": "it's", "MASTER": "[::1]:1,a:2", "PORT": "0", "LOOPS": "a\nb'\u{85}", "KIND": "b", "WORD": "secret",
        ]
        let settings = given(values, flags: ["MASTER", "PORT"])
        #expect(
            settings.lines(of: [.program], found: ["LOOPS": "2", "SHARED": "yes"], overruled: ["KIND"]) == [
                #"TEXT='it'\''s' # environment"#, "MASTER='[::1]:1,a:2' # flag", "PORT=0 # flag",
                #"LOOPS=$'a\x0ab\'\u0085' # environment"#, "FORM=json # default", "KIND= # default",
                "SHARED=yes # default",
            ])
        let turned = given(["TEXT": "a\u{202E}b\u{2028}"]).lines(of: [.program])
        #expect(turned[0] == #"TEXT=$'a\u202eb\u2028' # environment"#)
        #expect(settings.lines(of: [.other]) == ["WORD=<redacted> # environment", "WORD_FILE= # default"])
    }
}

extension Variable.Group {
    fileprivate static let other = Variable.Group("The rest")
}
