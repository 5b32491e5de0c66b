import Glibc
import HTTPWire
import Listening
import Logging
import NIOCore
import NIOPosix

/// Where to listen.
public struct BindTarget: Equatable, Sendable, CustomStringConvertible {
    /// `nil` is every interface, IPv4 and IPv6.
    public var host: String?
    /// 0…65535; 0 has the kernel choose one.
    public var port: Int
    /// SO_REUSEPORT: several processes share the port, and the kernel spreads connections over them.
    public var sharesPort: Bool

    public init(host: String?, port: Int, sharesPort: Bool = false) {
        self.host = host
        self.port = port
        self.sharesPort = sharesPort
    }

    public var description: String { "\(host ?? "all interfaces"), port \(port)" }
}

extension BindTarget {
    /// The names that a service is reached by here; checked only where it listens on loopback.
    ///
    /// - Parameter more: further names.
    /// - Returns: `nil` where others than this machine reach it: then its names are not known here.
    func loopbackHosts(more: [String]) -> AllowedHosts? {
        guard let host, let address = try? SocketAddress.makeAddressResolvingHost(host, port: port),
            let text = address.ipAddress
        else { return nil }
        return AllowedHosts(listeningAt: host, text, port: port, more: more)
    }
}

/// Why a socket could not listen.
public enum BindError: Error, CustomStringConvertible {
    case portTaken(BindTarget)
    case notPermitted(BindTarget)
    /// No interface has the address.
    case foreignAddress(BindTarget)
    case unknownHost(BindTarget)
    case failed(BindTarget, reason: String)
    case notBound(BindTarget)

    public var description: String {
        switch self {
        case .portTaken(let target):
            "cannot listen on \(target): another program does; end it, or choose another port by --port or PORT"
        case .notPermitted(let target):
            "cannot listen on \(target): not permitted; choose a port from 1024 on by --port or PORT"
        case .foreignAddress(let target):
            "cannot listen on \(target): no interface of this machine has the address; choose another one by --host or HOST, "
                + "or leave it out for all interfaces"
        case .unknownHost(let target):
            "cannot listen on \(target): the name has no address; give --host or HOST an address, or leave it out for all "
                + "interfaces"
        case .failed(let target, let reason): "cannot listen on \(target): \(reason); check --host and HOST"
        case .notBound(let target): "cannot listen on \(target): the socket has no address"
        }
    }
}

extension BindTarget {
    /// - Throws: ``BindError``.
    ///
    /// - Parameter burst: how many connections are accepted in one go.
    func listen(
        on group: any EventLoopGroup, burst: Int, _ logger: Logger,
        _ initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        var bootstrap = ServerBootstrap(group: group)
            // A queue that overflows drops the last step of the handshake: the client believes it is connected, and what it
            // asks is lost for a second, then for three. The kernel cuts the number to its net.core.somaxconn.
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(burst))
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger))
                }
            }
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // What waits for a slow client waits here, where it is counted, and not by the megabyte in the kernel.
            .childChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: 128 << 10)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 65_536)
            )
            .childChannelInitializer(initialize)
        if sharesPort {
            bootstrap = bootstrap.serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
        }
        do {
            guard host == nil else { return try await bootstrap.bind(host: host!, port: port).get() }
            do {
                // Takes IPv4 too, as IPv4-mapped addresses.
                return try await bootstrap.bind(host: "::", port: port).get()
            } catch let error as IOError where error.errnoCode != EADDRINUSE && error.errnoCode != EACCES {
                return try await bootstrap.bind(host: "0.0.0.0", port: port).get()
            }
        } catch let error as IOError {
            switch error.errnoCode {
            case EADDRINUSE: throw BindError.portTaken(self)
            case EACCES, EPERM: throw BindError.notPermitted(self)
            case EADDRNOTAVAIL: throw BindError.foreignAddress(self)
            default: throw BindError.failed(self, reason: unsafe String(cString: strerror(error.errnoCode)))
            }
        } catch {
            // All that is left: NIO found no address for the name.
            throw BindError.unknownHost(self)
        }
    }
}
