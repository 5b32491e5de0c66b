/// A user of `/etc/passwd` with its groups.
///
/// Read by hand: a static glibc would load the name service's shared libraries, which an empty image does not have.
public struct Account: Equatable, Sendable {
    public var name: String
    public var userID: UInt32
    public var groupID: UInt32
    /// To be set before the user is switched to: its own groups, and those the container's runtime added to ours.
    public var groups: [UInt32]

    /// Looks a user up.
    /// - Parameters:
    ///   - passwd: the bytes of `/etc/passwd`.
    ///   - group: the bytes of `/etc/group`.
    ///   - identity: whose supplementary groups are kept where `/etc/group` does not explain them by being root.
    public init?(named name: String, passwd: [UInt8], group: [UInt8], identity: Identity) {
        guard let fields = Self.lines(passwd).first(where: { $0.first == utf8(name) }), fields.count >= 4,
            let userID = number(fields[2]).flatMap({ UInt32(exactly: $0) }),
            let groupID = number(fields[3]).flatMap({ UInt32(exactly: $0) })
        else { return nil }
        self.name = name
        self.userID = userID
        self.groupID = groupID
        var own: [UInt32] = [groupID]
        var ofRoot: [UInt32] = [0]
        for fields in Self.lines(group) where fields.count >= 4 {
            guard let id = number(fields[2]).flatMap({ UInt32(exactly: $0) }) else { continue }
            let members = fields[3].split(separator: UInt8(ascii: ","))
            if members.contains(utf8(name)[...]) { own.append(id) }
            if members.contains(utf8("root")[...]) { ofRoot.append(id) }
        }
        let given = identity.groups.filter { !ofRoot.contains($0) }
        groups = own + given.filter { !own.contains($0) }
        groups.sort()
    }

    private static func lines(_ bytes: [UInt8]) -> [[[UInt8]]] {
        bytes.split(separator: UInt8(ascii: "\n")).map { line in
            line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { Array($0) }
        }
    }
}

/// A decimal number without sign or blanks, at most 10 digits.
func number(_ bytes: [UInt8]) -> Int? {
    guard !bytes.isEmpty, bytes.count <= 10 else { return nil }
    var result = 0
    for byte in bytes {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        result = result * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return result
}
