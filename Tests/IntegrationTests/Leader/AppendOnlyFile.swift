import Glibc
import LocalTopology
import SystemPackage
import Testing

/// The commands in a server's append-only file, in the order in which it has carried them out.
struct AppendOnlyFile {
    private(set) var commands: [[String]] = []

    /// - Parameter node: runs with `appendonly yes`.
    init(of node: String, in cluster: LocalCluster) throws {
        let folder = "\(cluster.folder)/\(node)"
        // From 7.0 on a folder of files, of which those that grow are called so; with one start there is one.
        let names = [
            "appendonlydir/appendonly.aof.1.incr.aof", "appendonlydir/appendonly.aof.2.incr.aof", "appendonly.aof",
        ]
        var bytes: [UInt8] = []
        for name in names {
            guard let file = try? FileDescriptor.open(FilePath("\(folder)/\(name)"), .readOnly) else { continue }
            bytes += try file.closeAfter {
                var bytes: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
                    if count == 0 { return bytes }
                    bytes += chunk[..<count]
                }
            }
        }
        read(bytes)
    }

    /// Reads `*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n…`; 6.x may have an RDB file before that.
    private mutating func read(_ bytes: [UInt8]) {
        let select = Array("*2\r\n$6\r\nSELECT\r\n".utf8)
        guard var place = bytes.indices.first(where: { bytes[$0...].starts(with: select) }) else { return }
        func number() -> Int? {
            guard place < bytes.count, let end = bytes[place...].firstIndex(of: 13) else { return nil }
            defer { place = end + 2 }
            return Int(String(decoding: bytes[(place + 1)..<end], as: UTF8.self))
        }
        while let count = number() {
            var command: [String] = []
            for _ in 0..<count {
                guard let length = number(), place + length + 2 <= bytes.count else { return }
                command.append(String(decoding: bytes[place..<(place + length)], as: UTF8.self))
                place += length + 2
            }
            commands.append(command)
        }
    }

    /// The values that a key was set to, in this order.
    func values(of key: String) -> [String] {
        commands.compactMap { command in
            guard command.count >= 3, command[0].uppercased() == "SET", command[1] == key else { return nil }
            return command[2]
        }
    }
}
