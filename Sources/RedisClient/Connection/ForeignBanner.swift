/// What a server is that does not speak Redis's protocol, by the first bytes that it sends.
enum ForeignBanner {
    /// How many bytes are looked at.
    static let length = 32

    /// What speaks there, and what to do about it, in words for an operator; `nil` where the bytes say nothing known. None of the
    /// server's own text is in it.
    static func words(for bytes: [UInt8]) -> String? {
        for (start, words) in texts where bytes.starts(with: start.utf8) { return words }
        guard bytes.count >= 5 else { return nil }
        // A record of TLS (RFC 8446 §5.1): an alert or a handshake, version 3.x.
        if bytes[0] == 0x15 || bytes[0] == 0x16, bytes[1] == 3 {
            return "answers in TLS: set REDIS_TLS_ENABLED=yes, or the port for clear text"
        }
        // An HTTP/2 SETTINGS frame (RFC 9113 §6.5): its type behind three bytes of length, at most a few settings.
        if bytes[0] == 0, bytes[1] == 0, bytes[2] % 6 == 0, bytes[3] == 4, bytes[4] <= 1 {
            return "answers in HTTP/2" + cure
        }
        // MySQL's first packet: three bytes of length, number 0, then protocol 10 or an error.
        if bytes[2] == 0, bytes[3] == 0, bytes[4] == 10 || bytes[4] == 0xFF {
            return "answers as MySQL or MariaDB does" + cure
        }
        return nil
    }

    private static let cure = ": check the host and the port, no redis-server listens there"

    private static let texts = [
        ("HTTP/", "answers in HTTP" + cure), ("<", "answers in HTML, as a web server does" + cure),
        ("SSH-", "answers as an SSH server does" + cure), ("220", "answers as a mail or FTP server does" + cure),
        ("554", "answers as a mail server does" + cure), ("* OK", "answers as an IMAP server does" + cure),
        ("ERROR", "answers as memcached does" + cure), ("CLIENT_ERROR", "answers as memcached does" + cure),
        ("AMQP", "answers as RabbitMQ does" + cure), ("RFB ", "answers as a VNC server does" + cure),
        ("-ERR max number of clients", maximumClients),
        ("-DENIED", "is in protected mode and refuses other hosts: give it a password or a bind"),
    ]

    /// A POP3 server greets with `+OK`, which is read as the reply to the first command.
    static let noInformation = "answers INFO with a status, as a POP3 server's greeting is read" + cure

    static let maximumClients = "has as many clients as it takes: raise maxclients, or close idle connections"
}
