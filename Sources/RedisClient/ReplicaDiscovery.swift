public import Logging
public import NIOPosix

/// Finds the replicas behind a name, again and again: a headless Service gives one address a pod.
public struct ReplicaDiscovery: Sendable {
    /// How long to wait between two look-ups.
    public var interval: Duration = .seconds(2)

    private let name: RedisEndpoint
    private let threadPool: NIOThreadPool
    private let logger: Logger

    public init(name: RedisEndpoint, threadPool: NIOThreadPool, logger: Logger) {
        self.name = name
        self.threadPool = threadPool
        self.logger = logger
    }

    /// Calls `publish` with every address of the name, whenever they change, until the task is cancelled.
    ///
    /// A name that cannot be resolved changes nothing: the replicas known so far stay, for a DNS server that is away for a
    /// moment must not cost the readers their servers.
    public func run(_ publish: @Sendable ([RedisEndpoint]) -> Void) async {
        var known: [RedisEndpoint] = []
        var trouble: AddressResolutionError?
        while !Task.isCancelled {
            do {
                let host = name.host
                let addresses = try await threadPool.runIfActive { try AddressResolver.addresses(of: host) }
                let endpoints = addresses.map { RedisEndpoint(host: $0, port: name.port) }
                if endpoints != known {
                    logger.info("\(name.host) has \(endpoints.count) address(es): \(addresses.joined(separator: ", "))")
                    known = endpoints
                    publish(endpoints)
                }
                trouble = nil
            } catch let error as AddressResolutionError {
                if error != trouble { logger.warning("\(error); \(known.count) known address(es) stay in use") }
                trouble = error
            } catch {
                return  // The thread pool is shut down, or the task cancelled.
            }
            try? await Task.sleep(for: interval)
        }
    }
}
