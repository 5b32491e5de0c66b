import KeyValueService
import LocalTopology
import Settings
import Testing

@Suite("KVApp's configuration")
struct ConfigurationTests {
    private static let token = "a-token-of-sixteen-bytes"

    @Test("the help tells every flag, every variable, its meaning, range and default", arguments: ["", "serve"])
    func help(command: String) throws {
        let run = try ProgramRun(command.isEmpty ? ["--help"] : [command, "--help"])
        #expect(run.ending == .exited(0))
        for variable in ServiceEnvironment.variables {
            #expect(run.words.contains(variable.name), "\(variable.name)")
            #expect(run.output.contains("\n\(variable.group.title.uppercased()):\n"))
            guard let flag = variable.flag else { continue }
            #expect(run.words.contains("\(flag) <") || run.words.contains("\(flag)/--no-"), "\(flag)")
            let help = variable.help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(run.words.contains(help), "\(help)")
        }
        #expect(run.words.contains("--print-config "))
        if command.isEmpty {
            #expect(run.words.contains("serve (default) "))
            #expect(run.words.contains(" hostname "))
        }
    }

    @Test("the hostname server's help tells what it has, and no more")
    func hostnameHelp() throws {
        let run = try ProgramRun(["hostname", "--help"])
        for variable in ServiceEnvironment.variables {
            #expect(run.words.contains("(\(variable.name)") == [Variable.Group].ofHostname.contains(variable.group))
        }
    }

    @Test("a flag wins over its variable, and a variable over its default")
    func sources() throws {
        let scratch = try Scratch()
        let secret = try scratch.write("secret", (Self.token + "\n").utf8)
        func value(of variable: Variable, isFlag: Bool) -> String {
            switch variable.values {
            case .number(let range): return "\(isFlag ? range.lowerBound : range.upperBound)"
            // TLS would want certificates.
            case .choice(let choices): return isFlag || choices[0] == "yes" ? choices[1] : choices[0]
            case .text where variable.name == "API_TOKEN_FILE" || variable.name.hasSuffix("_PASSWORD_FILE"):
                return secret
            case .text where variable.name == "REDIS_SLAVE_ENDPOINTS": return isFlag ? "flag:1" : "variable:1"
            case .text where variable.name == "CORS_ALLOWED_ORIGINS":
                return isFlag ? "https://flag" : "https://variable"
            case .text, .secret: return isFlag ? "flag" : "variable"
            }
        }
        let variables = ServiceEnvironment.variables.filter { $0.flag != nil }
        let environment = variables.reduce(into: [:]) { $0[$1.name] = value(of: $1, isFlag: false) }
        let flags = variables.flatMap { variable -> [String] in
            guard variable.name != "SHARE_PORT" else { return ["--no-share-port"] }
            return [variable.flag ?? "", value(of: variable, isFlag: true)]
        }
        let runs: [(run: ProgramRun, source: String)] = [
            (try ProgramRun(["--print-config"] + flags, environment: environment), "flag"),
            (try ProgramRun(["serve", "--print-config"], environment: environment), "environment"),
        ]
        for (run, source) in runs {
            #expect(run.ending == .exited(0))
            #expect(run.lines.count == ServiceEnvironment.variables.count)
            for variable in variables {
                let line = "\(variable.name)=\(value(of: variable, isFlag: source == "flag")) # \(source)"
                // With GET_HOSTS_FROM=dns the two hosts do not count.
                let isOverruled = source == "environment" && variable.name.hasSuffix("_SERVICE_HOST")
                #expect(run.lines.contains(line) != isOverruled, "\(line) in \(run.output)")
            }
        }
        let defaults = try ProgramRun(["--print-config"], environment: ["PORT": ""])
        #expect(defaults.lines.count { $0.hasSuffix(" # default") } == ServiceEnvironment.variables.count)
        #expect(defaults.lines.contains("PORT=8080 # default"))
        #expect(defaults.lines.contains("LOG_FORMAT=json # default"))
    }

    @Test("secrets are never printed, and are no flags")
    func secrets() throws {
        let environment = ["REDIS_PASSWORD": "pass-word", "API_TOKEN": Self.token]
        let run = try ProgramRun(["--print-config"], environment: environment)
        #expect(run.ending == .exited(0))
        for (name, secret) in environment {
            #expect(run.lines.contains("\(name)=<redacted> # environment"))
            #expect(!run.output.contains(secret))
            let flag = "--" + String(name.lowercased().map { $0 == "_" ? "-" : $0 })
            let refused = try ProgramRun(["--print-config", flag, secret])
            #expect(refused.ending == .exited(64))
            #expect(!refused.output.contains(secret), "\(refused.output)")
        }
    }

    @Test(
        "what cannot be meant ends it with a line that names the variable and the cure, printed or started",
        arguments: [
            ([], ["API_TOKEN": "too short"], Int32(78), "API_TOKEN cannot be used; give it 16…4096 visible ASCII"),
            ([], ["API_TOKEN": token, "API_TOKEN_FILE": "/f"], 78, "unset one of them"),
            (
                [], ["API_TOKEN_FILE": "/nowhere"], 78,
                "cannot read '/nowhere', which API_TOKEN_FILE names: No such file"
            ),
            (["--api-token-file", "/nowhere"], [:], 78, "--api-token-file (API_TOKEN_FILE)"),
            ([], ["LOG_FORMAT": "xml"], 78, "LOG_FORMAT is 'xml'; it takes json or text"),
            ([], ["DRAIN_DELAY_SECONDS": "301"], 78, "DRAIN_DELAY_SECONDS is '301'; give it a number, 0…300"),
            (
                ["--redis-master-service-port", "0"], [:], 64,
                "--redis-master-service-port (REDIS_MASTER_SERVICE_PORT) is"
            ),
            (["--event-loops", "0"], ["EVENT_LOOPS": "1"], 64, "--event-loops (EVENT_LOOPS) is '0'; give it a number"),
            ([], ["HOST": "a\u{1B}\n%"], 78, #"HOST is 'a\x1b\x0a%'; give it a host name or an address alone"#),
            (["--redis-slave-endpoints", "$(id)"], [:], 64, "(REDIS_SLAVE_ENDPOINTS) holds '$(id)'; write host:port"),
            (["--host", ""], [:], 64, "--host is empty; leave it out"), (["--unknown"], [:], 64, "--unknown"),
        ])
    func mistakes(arguments: [String], environment: [String: String], code: Int32, cure: String) throws {
        for arguments in [arguments, arguments + ["--print-config"]] {
            let run = try ProgramRun(arguments, environment: environment)
            #expect(run.ending == .exited(code), "\(run.output)")
            #expect(run.output.contains(cure), "\(run.output)")
            #expect(!run.output.contains("too short"))
            if code == 78 { #expect(run.lines.count == 1, "\(run.output)") }
        }
    }
}
