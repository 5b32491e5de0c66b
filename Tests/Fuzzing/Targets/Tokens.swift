import HTTPWire
import Settings

@testable import KeyValueService
@testable import ReplicaAgent

/// A file with a token, and then a field Authorization, with a zero byte between them.
func checkToken(_ input: [UInt8]) throws(BrokenPromise) {
    let parts = parts(of: input, count: 2)
    let group = Variable.Group("Clients")
    let variables = VariableList([
        Variable("API_TOKEN", group, "A token.", .secret), Variable("API_TOKEN_FILE", group, "A file."),
    ])
    let settings = GivenSettings(of: variables, flags: []) { $0.name == "API_TOKEN_FILE" ? "/run/token" : nil }
    let secret: [UInt8]?
    do throws(ConfigurationError) {
        secret = try settings.secret("API_TOKEN") { (_) throws(ConfigurationError) in parts[0] }
        let doubts = try settings.doubts(aboutSecret: "API_TOKEN") { (_) throws(ConfigurationError) in parts[0] }
        let hidden = text(secret ?? [])
        try requireHidden(hidden.utf8.count < 16 || !doubts.contains { $0.contains(hidden) })
    } catch {
        try require(parts[0].allSatisfy { $0 == 10 || $0 == 13 }, "only an empty secret is refused", "\(error)")
        return
    }
    guard let secret else { throw BrokenPromise("a file gives a secret") }
    try require(parts[0].starts(with: secret), "a secret is what the file holds")
    try require(parts[0].count - secret.count <= 2, "at most a line end is left out")
    // A file with a line end behind it holds the same.
    let field = parts[1]
    let token = APIToken(secret)
    let shown = Array("Bearer ".utf8) + secret
    try require(
        secret.first == UInt8(ascii: " ") || token.isShown(by: shown.span), "who shows the token is let in",
        text(secret))
    if token.isShown(by: field.span) {
        try require(
            field.count >= secret.count + 7 && field.suffix(secret.count).elementsEqual(secret), "no other text is")
        try require(text(Array(field.prefix(7))).lowercased() == "bearer ", "no other text is")
    }
    guard let sidecar = SidecarToken(secret) else {
        try require(
            !(16...4096 ~= secret.count && secret.allSatisfy { 0x21...0x7E ~= $0 }), "a usable token is taken")
        return
    }
    try require(sidecar.isShown(by: text(shown)), "who shows the token is let in")
    try require(
        sidecar.isShown(by: text(field)) == token.isShown(by: field.span) || !field.allSatisfy { $0 < 0x80 },
        "both programs take the same", text(field))
}

/// Not a promise that a refused secret may end.
private func requireHidden(_ condition: Bool) throws(ConfigurationError) {
    precondition(condition, "not kept: no doubt shows a secret")
}
