import Glibc
import LocalTopology
import SystemPackage
import Testing

/// What a host's programs see in place of the machine's `/etc/hosts`, `resolv.conf` and `nsswitch.conf`: the files of a folder
/// in `/etc/netns` (ip-netns(8)).
///
/// They are changed in place, since a running program sees the file that was there when it was started.
struct HostFiles {
    private let folder: String

    init(in namespace: NetworkNamespace) { folder = "/etc/netns/\(namespace.name)" }

    init(of host: TestNetwork.Host) { self.init(in: host.namespace) }

    /// Makes them: no names, and none is found.
    func make() throws {
        mkdir("/etc/netns", 0o755)
        try #require(mkdir(folder, 0o755) == 0, "cannot make \(folder): errno \(errno)")
        try setNames([:])
        try setUnknownNames(.absent, silentAddress: "")
    }

    func setNames(_ names: [String: [String]]) throws {
        let lines = names.sorted { $0.key < $1.key }.flatMap { name, addresses in addresses.map { "\($0) \(name)" } }
        try write(["127.0.0.1 localhost"] + lines, to: "hosts")
    }

    func setUnknownNames(_ answer: TestNetwork.UnknownNames, silentAddress: String) throws {
        switch answer {
        case .absent:
            try write([], to: "resolv.conf")
        case .unavailable:
            try write(["nameserver 127.0.0.1", "options attempts:1"], to: "resolv.conf")
        case .silent(let seconds):
            try write(
                ["nameserver \(silentAddress)", "options timeout:\(seconds) attempts:1"], to: "resolv.conf")
        case .asked(let domains):
            try write(
                [
                    "nameserver 127.0.0.1", "search \(domains.joined(separator: " "))",
                    "options ndots:5 timeout:1 attempts:1",
                ],
                to: "resolv.conf")
        }
        let sources = answer == .absent ? "files" : "files dns"
        try write(["passwd: files", "group: files", "hosts: \(sources)", "services: files"], to: "nsswitch.conf")
    }

    func remove() {
        for file in ["hosts", "resolv.conf", "nsswitch.conf"] { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    /// Writes a file in one call and always to the same length, so that a reader finds the old lines or the new ones.
    private func write(_ lines: [String], to name: String) throws {
        let text = lines.map { $0 + "\n" }.joined()
        let length = 4096
        precondition(text.utf8.count <= length, "too many names")
        let bytes = Array(text.utf8) + [UInt8](repeating: UInt8(ascii: "\n"), count: length - text.utf8.count)
        let file = try FileDescriptor.open(
            FilePath("\(folder)/\(name)"), .writeOnly, options: [.create, .closeOnExec, .noFollow],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: 0, bytes) }
    }
}
