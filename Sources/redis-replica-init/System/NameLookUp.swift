import Glibc
import ReplicaPlanning

/// `getaddrinfo`: every address of a name, each once.
enum NameLookUp {
    enum Outcome {
        case found([String])
        /// The name does not exist, or has no address.
        case unknown
        /// No name server could answer.
        case unavailable(String)
    }

    /// In a namespace of Kubernetes, a look-up that fails is no answer yet: the name may be asked for outside the cluster,
    /// where no server answers, and only the cluster knows whether it exists.
    static func addresses(of host: [UInt8], in namespace: NamespaceSearch?) -> Outcome {
        let outcome = addresses(of: path(host))
        guard case .unavailable = outcome, let namespace,
            let name = namespace.absoluteName(of: host, resolverFile: resolverFile)
        else { return outcome }
        let answer = addresses(of: path(name))
        if case .unavailable = answer { return outcome }
        return answer
    }

    /// Read each time, as glibc does when it changes; empty where it cannot be read.
    private static var resolverFile: [UInt8] { (try? LiveFiles().contents(ofFile: NamespaceSearch.resolverPath)) ?? [] }

    private static func addresses(of host: String) -> Outcome {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, nil, &hints, &list)
        let code = errno
        defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
        switch status {
        case 0: break
        case EAI_NONAME, -5, -9: return .unknown  // EAI_NODATA and EAI_ADDRFAMILY of GNU, which Glibc does not export
        case EAI_SYSTEM: return .unavailable(LookUpFailure.ofSystem(reason: unsafe String(cString: strerror(code))))
        default: return .unavailable(unsafe String(cString: gai_strerror(status)))
        }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr, let text = unsafe numeric(address), !addresses.contains(text)
            {
                addresses.append(text)
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .unknown : .found(addresses)
    }

    /// An address of the internet in numbers; nil for another one.
    static func numeric(_ address: UnsafePointer<sockaddr>) -> String? {
        let length: Int
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: length = MemoryLayout<sockaddr_in>.size
        case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let status = unsafe getnameinfo(
                address, socklen_t(length), buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            return status == 0 ? unsafe String(cString: buffer.baseAddress!) : nil
        }
    }
}
