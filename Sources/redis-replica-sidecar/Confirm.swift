import ArgumentParser
import ReplicaAgent
import ServiceProgram
import Settings

/// Tells the sidecar that watches to do what it holds back.
struct Confirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Confirm a change of master that the sidecar blocks because it would lose data.",
        discussion: """
            Over its Unix socket, which its own user and root can open: \
            kubectl exec POD -c sidecar -- /redis-replica-sidecar confirm. Prints what /status says after it. Exit code 0: \
            confirmed; 1: nothing is blocked; 69: no sidecar answers.
            """)

    @OptionGroup(title: "Listening") var socket: SocketOptions

    func run() throws {
        let path = GivenSettings(of: .sidecar, [socket]).socketPath
        let answer: ConfirmationSocket.Answer
        do throws(ConfirmationSocket.Failure) {
            answer = try ConfirmationSocket.confirm(path)
        } catch {
            throw ArgumentParser.ExitCode.reporting(error, of: "redis-replica-sidecar confirm", else: .unavailable)
        }
        print(answer.body, terminator: answer.body.hasSuffix("\n") ? "" : "\n")
        guard answer.status == 200 else { throw ArgumentParser.ExitCode(1) }
    }
}
