import Glibc

/// `getaddrinfo`, whole: NIO's own look-up keeps the first address only.
enum AddressResolver {
    /// Every address of a name, sorted, each once. Blocks: call it on a thread pool.
    static func addresses(of host: String) throws(AddressResolutionError) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_family = AF_UNSPEC
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, nil, &hints, &list)
        let code = errno
        guard status == 0 else {
            throw AddressResolutionError(host: host, reason: Self.reason(status, code))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: Set<String> = []
        var next = unsafe list
        while let entry = unsafe next {
            if let text = unsafe numeric(entry.pointee) { addresses.insert(text) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses.sorted()
    }

    /// The resolver's own words; EAI_SYSTEM, which says nothing, with its cause.
    private static func reason(_ status: Int32, _ code: Int32) -> String {
        guard status == EAI_SYSTEM else { return unsafe String(cString: gai_strerror(status)) }
        let cause = unsafe String(cString: strerror(code))
        return
            "the resolver itself failed (\(cause)): /etc/nsswitch.conf may name sources that this static program has not; "
            + "mount one with the line 'hosts: files dns'"
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let status = unsafe getnameinfo(
                entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            return status == 0 ? unsafe String(cString: buffer.baseAddress!) : nil
        }
    }
}

/// A name without an address.
public struct AddressResolutionError: Error, Equatable, CustomStringConvertible {
    public let host: String
    /// The resolver's own words.
    public let reason: String

    public var description: String { "cannot resolve '\(host)': \(reason)" }
}
