import Glibc
import NIOCore
import NIOPosix

/// Why a connect failed, in an operator's words.
enum ConnectError {
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name \(error.host) has no address"
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "no answer to the connect"
        default: "\(error)"
        }
    }
}
