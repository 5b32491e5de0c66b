import RedisConf

/// The bytes of a text.
func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes for a message: quoted as redis.conf would have them where they are not plain, so that one line stays one line.
func shown(_ bytes: [UInt8]) -> String { String(decoding: quoted(bytes), as: UTF8.self) }

/// A path for a message.
package func shownPath(_ path: [UInt8]) -> String {
    path.contains { $0 < 0x20 || $0 == 0x7F } ? shown(path) : String(decoding: path, as: UTF8.self)
}

/// A host or address for a message: what may be a user and a password in front of an `@` is left out.
func shownHost(_ bytes: [UInt8]) -> String {
    guard let mark = bytes.lastIndex(of: UInt8(ascii: "@")) else { return shown(bytes) }
    return "********" + shown(Array(bytes[mark...]))
}

/// The path of a secret's file for a message. A word without a slash may be the secret itself.
func shownSecretPath(_ path: [UInt8]) -> String {
    path.contains(UInt8(ascii: "/")) ? shownPath(path) : "********"
}

/// Whether two texts are equal but for the case of ASCII letters.
func equalsIgnoringCase(_ left: [UInt8], _ right: String) -> Bool {
    left.map(lowercased) == right.utf8.map(lowercased)
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
