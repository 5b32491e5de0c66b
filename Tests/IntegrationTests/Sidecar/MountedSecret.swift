import Glibc

/// A Secret as Kubernetes mounts it: links to files behind the link `..data`, which leads to another folder when it changes
/// (kubernetes/kubernetes `pkg/volume/util/atomic_writer.go`).
final class MountedSecret: Sendable {
    private let folder: String
    private let scratch: Scratch

    init(_ files: [String: [UInt8]]) throws {
        scratch = try Scratch()
        folder = scratch["secret"]
        try exchange(files)
        for name in files.keys { try Self.link("..data/\(name)", at: "\(folder)/\(name)") }
    }

    convenience init(password: [UInt8]) throws { try self.init(["password": password]) }

    /// A file's path.
    subscript(_ name: String) -> String { "\(folder)/\(name)" }

    /// Has the folder hold these files from now on; a link to one that is left out leads nowhere.
    func exchange(_ files: [String: [UInt8]]) throws {
        let number = (try? Scratch.read("\(folder)/..number")).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        try scratch.write("secret/..number", "\(number + 1)".utf8)
        scratch.makeFolder("secret/..\(number)")
        for (name, bytes) in files { try scratch.write("secret/..\(number)/\(name)", bytes) }
        try Self.link("..\(number)", at: "\(folder)/..data_new")
        guard rename("\(folder)/..data_new", "\(folder)/..data") == 0 else {
            throw Spawned.Failure(description: "cannot exchange \(folder)/..data")
        }
    }

    private static func link(_ target: String, at path: String) throws {
        guard symlink(target, path) == 0 else { throw Spawned.Failure(description: "cannot link \(path)") }
    }
}
