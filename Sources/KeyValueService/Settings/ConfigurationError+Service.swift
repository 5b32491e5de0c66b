import HTTPWire
import Settings

/// What the service alone asks of its settings.
extension ConfigurationError {
    static func notAnEndpoint(variable: SettingName, _ text: Substring) -> ConfigurationError {
        // In front of an `@` there may be a password.
        .ofProgram(
            "\(variable) holds \(text.contains("@") ? "an '@'" : "'\(text.shown)'"); write host:port, separated by "
                + "commas, an IPv6 address in brackets", isUsage: variable.isFlag)
    }

    static func notOrigins(variable: SettingName, _ text: String) -> ConfigurationError {
        .ofProgram(
            "\(variable) is '\(text.shown)'; write scheme://host or scheme://host:port, in lower case, without a path "
                + "and without the scheme's own port (browsers send it without :80 or :443), separated by commas, at most "
                + "\(AllowedOrigins.maximum), or * alone", isUsage: variable.isFlag)
    }

    static func notHosts(variable: SettingName, _ text: String) -> ConfigurationError {
        .ofProgram(
            "\(variable) is '\(text.shown)'; write host names or addresses without a port, separated by commas, at most "
                + "\(AllowedHosts.maximum), or * alone", isUsage: variable.isFlag)
    }

    static func addressForName(variable: SettingName, _ text: String) -> ConfigurationError {
        .ofProgram(
            "\(variable) is '\(text.shown)'; give it a host name, or unset it to check for the address that is connected to",
            isUsage: variable.isFlag)
    }

    static let userWithoutPassword = ConfigurationError.ofProgram(
        "REDIS_USER is set without a password; set REDIS_PASSWORD or REDIS_PASSWORD_FILE", isUsage: false)

    static func unusableToken(variable: SettingName) -> ConfigurationError {
        .ofProgram(
            "the token of \(variable) cannot be used; give it 16…4096 visible ASCII characters without spaces, "
                + "such as those of: openssl rand -hex 32", isUsage: false)
    }
}
