import Glibc
import LocalTopology

/// What test processes that were killed have left: namespaces, and the files of hosts.
enum Leftovers {
    /// Followed by the identifier of the process.
    static let prefix = "rrk-"

    /// Removes what belongs to processes that are no more. Another process may do the same at the same time: that one of them
    /// fails is no error.
    static func remove() async {
        let names = Set(names(in: "/run/netns") + names(in: "/etc/netns"))
        let orphans = names.filter { owner(of: $0).map { !Programs.isAlive($0) } ?? false }
        if !orphans.isEmpty { try? await NetworkTools.remove(orphans.sorted().map(NetworkNamespace.init)) }
    }

    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    private static func owner(of name: String) -> Int32? {
        guard name.hasPrefix(prefix) else { return nil }
        return Int32(name.dropFirst(prefix.count).prefix { $0 != "-" })
    }
}
