import Glibc
import NIOCore
import NIOPosix

/// Why a connect failed, in an operator's words.
enum ConnectError {
    /// Whether nothing listens at any of the addresses.
    static func isRefusal(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError:
            !error.connectionErrors.isEmpty && error.connectionErrors.allSatisfy { isRefusal($0.error) }
        case let error as IOError: error.errnoCode == ECONNREFUSED
        default: false
        }
    }

    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name \(error.host) has no address"
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "no answer to the connect"
        // Of TLS's set-up, for instance: with type names, and where its source was compiled.
        default: "the connection could not be made"
        }
    }
}
