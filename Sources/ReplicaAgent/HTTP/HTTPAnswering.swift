package import Logging
package import NIOCore
package import NIOHTTP1

/// What answers the requests of a listener.
///
/// Lives on its event loop.
package protocol HTTPAnswering: AnyObject {
    var eventLoop: any EventLoop { get }
    var logger: Logger { get }
    /// - Parameter completion: called once, on the event loop.
    func answer(
        _ request: HTTPRequestHead, over way: SidecarAnswer.Way, _ completion: @escaping (SidecarAnswer) -> Void)
}

extension StartingSidecar: HTTPAnswering {
    package func answer(
        _ request: HTTPRequestHead, over way: SidecarAnswer.Way, _ completion: @escaping (SidecarAnswer) -> Void
    ) {
        SidecarAnswer.make(to: request, of: self, over: way, completion)
    }
}
