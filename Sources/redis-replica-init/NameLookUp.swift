import Glibc
import ReplicaInit

/// `getaddrinfo`: every address of a name, each once.
enum NameLookUp {
    enum Outcome {
        case found([String])
        /// The name does not exist, or has no address.
        case unknown
        /// Nobody could say.
        case unavailable(String)
    }

    /// In a namespace of Kubernetes, a look-up that fails is no answer yet: the name may lead out of the cluster, where nobody
    /// answers, and the cluster alone knows whether it is there.
    static func addresses(of host: [UInt8], in namespace: NamespaceSearch?) -> Outcome {
        let outcome = addresses(of: path(host))
        guard case .unavailable = outcome, let namespace,
            let name = namespace.absoluteName(of: host, resolverFile: resolverFile)
        else { return outcome }
        let answer = addresses(of: path(name))
        if case .unavailable = answer { return outcome }
        return answer
    }

    /// Read anew each time, as glibc does when it changes; empty where it cannot be read.
    private static var resolverFile: [UInt8] { (try? LiveFiles().contents(ofFile: NamespaceSearch.resolverPath)) ?? [] }

    private static func addresses(of host: String) -> Outcome {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, nil, &hints, &list)
        defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
        switch status {
        case 0: break
        case EAI_NONAME, -5, -9: return .unknown  // EAI_NODATA and EAI_ADDRFAMILY of GNU, which Glibc does not export
        default: return .unavailable(unsafe String(cString: gai_strerror(status)))
        }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let text = unsafe numeric(entry.pointee), !addresses.contains(text) { addresses.append(text) }
            unsafe next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .unknown : .found(addresses)
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let status = unsafe getnameinfo(
                entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            return status == 0 ? unsafe String(cString: buffer.baseAddress!) : nil
        }
    }
}
