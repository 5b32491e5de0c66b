import Logging
import RedisClient
import Settings
import Testing

@testable import KeyValueService

/// What is read besides where the servers are; ``ServiceEnvironmentTests`` has that.
@Suite("The service's settings")
struct ServiceSettingsTests {
    /// Reads everything, as a start does.
    private func readAll(_ environment: ServiceEnvironment) throws {
        func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] { Array("0123456789abcdef\n".utf8) }
        _ = try environment.listeningPort()
        _ = try environment.sharesPort()
        _ = try environment.eventLoops()
        _ = try environment.logFormat()
        _ = try environment.logLevel()
        _ = try environment.accessLogSample()
        _ = try environment.drainDelay()
        _ = try environment.drainTimeout()
        _ = try environment.apiToken(readFile)
        _ = try environment.allowedOrigins()
        _ = try environment.moreHosts()
        _ = try environment.limits(defaultBudgetMiB: 48)
        _ = try environment.topology()
        _ = try environment.connection(readFile)
    }

    @Test(arguments: ServiceEnvironment.variables)
    func `take what the list of variables says, and nothing beside it`(variable: Variable) throws {
        func read(_ text: String, isFlag: Bool = false) throws {
            let flags: Set = isFlag ? [variable.name] : []
            try readAll(
                ServiceEnvironment(
                    GivenSettings(of: ServiceEnvironment.variables, flags: flags) {
                        $0.name == variable.name ? text : nil
                    }))
        }
        func expectRefused(_ text: String) {
            #expect("\(variable.name)=\(text)") { try read(text) } throws: {
                "\($0)".contains("\(variable.name) is '\(text)'")
            }
            #expect("\(variable.name)=\(text)") {
                try read(text, isFlag: true)
            } throws: { error in
                "\(error)".contains("\(variable.flag ?? "no flag") (\(variable.name)) is '\(text)'")
                    && (error as? ConfigurationError)?.isUsage == true
            }
        }
        switch variable.values {
        case .text, .secret: break
        case .number(let range):
            try read("\(range.lowerBound)")
            try read("\(range.upperBound)")
            let outside = ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", "-1", "+1", "1.5", "0x10", "ten"]
            for text in outside { expectRefused(text) }
        case .choice(let choices):
            // To speak TLS asks for more than the word.
            for choice in choices where !(variable.name == "REDIS_TLS_ENABLED" && choice == "yes") { try read(choice) }
            expectRefused("neither")
        }
        if case .value(let text) = variable.defaultValue { try read(text) }
    }

    @Test func `are read from the list in full`() {
        #expect(Set(ServiceEnvironment.variables.map(\.name)).count == ServiceEnvironment.variables.count)
        #expect(
            ServiceEnvironment.variables.filter(\.isSecret).map(\.name) == [
                "API_TOKEN", "REDIS_SENTINEL_PASSWORD", "REDIS_PASSWORD",
            ])
        #expect(
            ServiceEnvironment.variables["LOG_LEVEL"].values == .choice(Logger.Level.allCases.map(\.rawValue)))
    }

    @Test func `have the documented defaults`() throws {
        let nothing = ServiceEnvironment { _ in nil }
        #expect(try nothing.eventLoops() == nil)
        #expect(try nothing.sharesPort() == false)
        #expect(try nothing.logFormat() == nil)
        #expect(try nothing.logLevel() == .info)
        #expect(try nothing.accessLogSample() == 0)
        #expect(try nothing.drainDelay() == .seconds(5))
        #expect(try nothing.drainTimeout() == .seconds(20))
        let limits = try nothing.limits(defaultBudgetMiB: 77)
        #expect(limits.maximumBodyBytes == 8 << 20)
        #expect(limits.memoryBudgetBytes == 77 << 20)
        #expect(limits.transferTimeout == .seconds(30))
        #expect(limits.minimumBytesPerSecond == 1024)
        #expect(try nothing.apiToken { _ throws(ConfigurationError) in [] } == nil)
    }

    @Test(arguments: [
        ("0123456789abcdef", true), (String(repeating: "t", count: 4096), true), ("A-._~+/=!\"#$%&'0123", true),
        ("0123456789abcde", false), (String(repeating: "t", count: 4097), false), ("0123456789 abcdef", false),
        ("0123456789abcdefé", false), ("0123456789abcdef\t", false),
    ])
    func `take a token that cannot be guessed and that every client can send`(token: String, isTaken: Bool) throws {
        for variables in [["API_TOKEN": token], ["API_TOKEN_FILE": "/run/token"]] {
            func read() throws -> [UInt8]? {
                try ServiceEnvironment { variables[$0] }.apiToken { path throws(ConfigurationError) in
                    #expect(path == "/run/token")
                    return Array((token + "\n").utf8)
                }
            }
            if isTaken {
                #expect(try read() == Array(token.utf8))
            } else {
                #expect {
                    try read()
                } throws: { error in
                    let text = "\(error)"
                    return text.contains("openssl rand") && text.contains(variables.keys.first ?? "?")
                        && !text.contains(token)
                }
            }
        }
    }

    @Test func `take origins as browsers send them, and say of others how to write them`() throws {
        func read(_ text: String?, isFlag: Bool = false) throws -> AllowedOrigins {
            let flags: Set = isFlag ? ["CORS_ALLOWED_ORIGINS"] : []
            return try ServiceEnvironment(
                GivenSettings(of: ServiceEnvironment.variables, flags: flags) {
                    $0.name == "CORS_ALLOWED_ORIGINS" ? text : nil
                }
            ).allowedOrigins()
        }
        #expect(try read(nil) == .none)
        #expect(try !read("https://app.example.com, http://localhost:5173").isEmpty)
        for isFlag in [false, true] {
            #expect {
                try read("https://app.example.com/", isFlag: isFlag)
            } throws: { error in
                let words =
                    "CORS_ALLOWED_ORIGINS\(isFlag ? ")" : "") is 'https://app.example.com/'; write scheme://host"
                return "\(error)".contains(words) && (error as? ConfigurationError)?.isUsage == isFlag
            }
        }
    }

    @Test func `take further names for the service without ports, and say of others how to write them`() throws {
        func read(_ text: String?, isFlag: Bool = false) throws -> [String]? {
            let flags: Set = isFlag ? ["ALLOWED_HOSTS"] : []
            return try ServiceEnvironment(
                GivenSettings(of: ServiceEnvironment.variables, flags: flags) {
                    $0.name == "ALLOWED_HOSTS" ? text : nil
                }
            ).moreHosts()
        }
        #expect(try read(nil) == [])
        #expect(try read("kv.example, [::1]") == ["kv.example", "[::1]"])
        #expect(try read("*") == nil)
        for isFlag in [false, true] {
            #expect {
                try read("kv.example:8080", isFlag: isFlag)
            } throws: { error in
                let words = "ALLOWED_HOSTS\(isFlag ? ")" : "") is 'kv.example:8080'; write host names"
                return "\(error)".contains(words) && (error as? ConfigurationError)?.isUsage == isFlag
            }
        }
    }

    @Test func `refuse a token twice, and a token's file that is empty or cannot be read`() {
        func read(_ variables: [String: String], _ file: ConfigurationError? = nil) throws {
            _ = try ServiceEnvironment { variables[$0] }.apiToken { _ throws(ConfigurationError) in
                if let file { throw file }
                return [10]
            }
        }
        #expect(throws: ConfigurationError.conflict("API_TOKEN", "API_TOKEN_FILE")) {
            try read(["API_TOKEN": "0123456789abcdef", "API_TOKEN_FILE": "f"])
        }
        #expect(throws: ConfigurationError.emptySecret(variable: "API_TOKEN_FILE", "f")) {
            try read(["API_TOKEN_FILE": "f"])
        }
        #expect(throws: ConfigurationError.unreadableFile("f", reason: "why", variable: "API_TOKEN_FILE")) {
            try read(["API_TOKEN_FILE": "f"], .unreadableFile("f", reason: "why"))
        }
    }

    @Test func `are printed in effect, those that others overrule as their defaults`() {
        let given = [
            "API_TOKEN": "0123456789abcdef", "REDIS_PASSWORD": "pass", "PORT": "0", "GET_HOSTS_FROM": "dns",
            "REDIS_MASTER_SERVICE_HOST": "10.0.0.1", "POD_IP": "10.0.0.2",
        ]
        let environment = ServiceEnvironment { given[$0] }
        let lines = environment.lines(of: .ofService, found: ["HOSTNAME": "machine", "POD_IP": "never"])
        #expect(lines.count == ServiceEnvironment.variables.count)
        for line in [
            "HOST= # default", "PORT=0 # environment", "HOSTNAME=machine # default",
            "API_TOKEN=<redacted> # environment", "REDIS_PASSWORD=<redacted> # environment",
            "REDIS_MASTER_SERVICE_HOST=redis-master # default", "POD_IP=10.0.0.2 # environment",
            "DRAIN_DELAY_SECONDS=5 # default",
        ] {
            #expect(lines.contains(line), "\(line) in \(lines)")
        }
        let ofHostname = environment.lines(of: .ofHostname, found: [:])
        #expect(ofHostname.contains("LOG_LEVEL=info # default"))
        #expect(!ofHostname.contains { $0.hasPrefix("REDIS_") || $0.hasPrefix("API_") })
    }
}
