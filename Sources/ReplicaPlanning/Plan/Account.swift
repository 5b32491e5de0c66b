/// A user of `/etc/passwd` with its groups.
///
/// Parsed here: a static glibc would load the name service's shared libraries, which an empty image does not have.
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
        let login = utf8(name)
        var ids: (user: UInt32, group: UInt32)?
        Self.forEachLine(of: passwd) { line in
            guard ids == nil, line.field(0).elementsEqual(login), let user = line.id(2), let group = line.id(3)
            else { return }
            ids = (user, group)
        }
        guard let (userID, groupID) = ids else { return nil }
        self.name = name
        self.userID = userID
        self.groupID = groupID
        var own: [UInt32] = [groupID]
        var ofRoot: [UInt32] = [0]
        let root = utf8("root")
        Self.forEachLine(of: group) { line in
            guard let id = line.id(2) else { return }
            let members = line.field(3)
            if Self.isMember(login, of: members) { own.append(id) }
            if Self.isMember(root, of: members) { ofRoot.append(id) }
        }
        let given = identity.groups.filter { !ofRoot.contains($0) }
        groups = own + given.filter { !own.contains($0) }
        groups.sort()
    }

    /// One line of a colon-separated file, looked at where it lies.
    private struct Line {
        let bytes: ArraySlice<UInt8>

        /// A field, from 0; empty where the line has fewer.
        func field(_ number: Int) -> ArraySlice<UInt8> {
            var start = bytes.startIndex
            for _ in 0..<number {
                guard let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")) else { return [] }
                start = colon + 1
            }
            return bytes[start..<(bytes[start...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex)]
        }

        func id(_ field: Int) -> UInt32? { number(Array(self.field(field))).flatMap { UInt32(exactly: $0) } }
    }

    private static func forEachLine(of bytes: [UInt8], _ body: (Line) -> Void) {
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            body(Line(bytes: bytes[start..<end]))
            start = end + 1
        }
    }

    /// Whether a name stands in a list with commas between.
    private static func isMember(_ name: [UInt8], of members: ArraySlice<UInt8>) -> Bool {
        var rest = members
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
            if rest[..<end].elementsEqual(name) { return true }
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
        }
        return false
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
