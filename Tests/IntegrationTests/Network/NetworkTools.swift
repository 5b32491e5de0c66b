import Glibc
import LocalTopology
import Subprocess
import SystemPackage

/// The two programs that make networks: `ip` of iproute2 and `nft` of nftables.
enum NetworkTools {
    enum Failure: Error, CustomStringConvertible {
        case notRoot
        case failed(command: String, output: String)

        var description: String {
            switch self {
            case .notRoot:
                "a test with several hosts makes network namespaces, which only root may: run `make test` as root, or with sudo"
            case .failed(let command, let output):
                """
                \(command) failed: \(output)
                Where namespaces are refused to root, in a container for instance, it needs the capabilities SYS_ADMIN and \
                NET_ADMIN: docker run --privileged
                """
            }
        }
    }

    static func requireRoot(user: uid_t = geteuid()) throws {
        guard user == 0 else { throw Failure.notRoot }
    }

    static func add(_ namespace: NetworkNamespace) async throws { try await ip("netns add \(namespace.name)") }

    /// Removes namespaces and their hosts' files; what is not there is not an error.
    static func remove(_ namespaces: [NetworkNamespace]) async throws {
        let present = Set(Leftovers.names(in: "/run/netns"))
        let commands = namespaces.filter { present.contains($0.name) }.map { "netns delete \($0.name)" }
        for namespace in namespaces { HostFiles(in: namespace).remove() }
        try await ip(commands.joined(separator: "\n"))
    }

    /// Runs commands of `ip`, one a line; they end at the first that fails.
    static func ip(_ commands: String, in namespace: NetworkNamespace? = nil) async throws {
        let place = namespace.map { ["-n", $0.name] } ?? []
        try await run(try Programs.installed("ip", package: "iproute2"), place + ["-batch", "-"], input: commands)
    }

    /// Carries out a script of `nft`: the whole of it, or nothing.
    static func nft(_ script: String, in namespace: NetworkNamespace) async throws {
        let command = try namespace.command(try Programs.installed("nft", package: "nftables"), ["-f", "-"])
        try await run(command.executable, command.arguments, input: script)
    }

    /// Has a namespace pass on what is not for it.
    static func forwardPackets(in namespace: NetworkNamespace) async throws {
        try await namespace.perform {
            let file = try FileDescriptor.open("/proc/sys/net/ipv4/ip_forward", .writeOnly)
            _ = try file.closeAfter { try file.writeAll("1".utf8) }
        }
    }

    /// Runs a program of the machine on a host, with the host's names.
    static func output(
        of program: String, package: String, _ arguments: [String], in namespace: NetworkNamespace
    ) async throws -> (code: Int32, text: String) {
        let command = try namespace.command(try Programs.installed(program, package: package), arguments)
        let result = try await Subprocess.run(
            .path(command.executable), arguments: Arguments(command.arguments), output: .string(limit: 65_536))
        guard case .exited(let code) = result.terminationStatus else { throw CancellationError() }
        return (code, result.standardOutput)
    }

    private static func run(_ program: FilePath, _ arguments: [String], input: String) async throws {
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments), input: .string(input + "\n"),
            output: .string(limit: 65_536), error: .string(limit: 65_536))
        guard case .exited(0) = result.terminationStatus else {
            let words = [program.string] + arguments
            throw Failure.failed(
                command: "\(words.joined(separator: " ")) (\(input))",
                output: result.standardOutput + result.standardError)
        }
    }
}
