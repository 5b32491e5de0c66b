import Testing

@testable import RedisClient

/// What a server sends that is no redis-server; taken from real ones.
@Suite("What speaks at an address, by its first bytes")
struct ForeignBannerTests {
    static let banners: [(String, [UInt8], String?)] = [
        ("nginx 1.22", Array("HTTP/1.1 400 Bad Request\r\n".utf8), "answers in HTTP:"),
        ("python3 -m http.server", Array("<!DOCTYPE HTML>\n<html".utf8), "answers in HTML"),
        ("OpenSSH 9.2", Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8), "SSH"),
        ("Postfix", Array("220 host ESMTP Postfix\r\n".utf8), "mail or FTP"),
        ("Dovecot", Array("* OK [CAPABILITY IMAP4rev1".utf8), "IMAP"),
        ("memcached 1.6", Array("ERROR\r\n".utf8), "memcached"),
        ("MariaDB 10.11", [0x4E, 0, 0, 0, 0x0A] + Array("5.5.5-10.11".utf8), "MySQL or MariaDB"),
        ("MySQL, host not allowed", [0x45, 0, 0, 0, 0xFF, 0x6A, 0x04], "MySQL or MariaDB"),
        ("a TLS alert", [0x15, 3, 1, 0, 2, 2, 70], "REDIS_TLS_ENABLED=yes"),
        ("nghttpd", [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3], "HTTP/2"),
        ("maxclients", Array("-ERR max number of clients reached\r\n".utf8), "raise maxclients"),
        ("protected mode", Array("-DENIED Redis is running in protected mode".utf8), "protected mode"),
        ("a server that asks for a password", Array("-NOAUTH Authentication required.\r\n".utf8), nil),
        ("INFO", Array("$24\r\n# Replication".utf8), nil), ("nothing", [], nil), ("a byte", [0x15], nil),
    ]

    @Test(arguments: banners) func `is named in words that hold nothing of what was sent`(
        server: String, bytes: [UInt8], words: String?
    ) {
        let named = ForeignBanner.words(for: bytes)
        if let words { #expect(named?.contains(words) == true, "\(server): \(named ?? "nothing")") }
        if words == nil { #expect(named == nil, "\(server)") }
    }

    @Test func `however short and whatever it is, the bytes are looked at without harm`() {
        for (_, bytes, _) in Self.banners {
            for length in 0...bytes.count { _ = ForeignBanner.words(for: Array(bytes.prefix(length))) }
        }
    }

    @Test(arguments: [
        ("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", true, nil),
        ("# Server\r\nredis_mode:sentinel\r\n", false, "is a Sentinel"),
        ("# Server\r\nredis_mode:cluster\r\n", true, "is in cluster mode"),
        ("# Server\r\nredis_mode:cluster\r\n", false, "is a proxy"),
        ("# Server\r\nserver_name:valkey\r\nserver_mode:cluster\r\n", true, "is in cluster mode"),
        ("# Server\r\nredis_mode:something\r\n", true, nil), ("", true, nil),
    ])
    func `a server's mode says what it is`(text: String, tellsRole: Bool, words: String?) {
        let named = ServerMode(in: text.utf8.span)?.words(tellsRole: tellsRole)
        if let words { #expect(named?.hasPrefix(words) == true) } else { #expect(named == nil) }
    }
}
