/// How the resolver completes a name without a dot in a pod: first with the domain of the pod's own namespace.
///
/// After that it asks for further domains, and at last for the bare name, which is asked for outside the cluster. Where no
/// server there answers, the whole look-up fails (EAI_AGAIN), although the cluster has already said that it has no such
/// Service. Who wants to know that asks for ``absoluteName(of:resolverFile:)`` alone.
public struct NamespaceSearch: Equatable, Sendable {
    /// `LOCALDOMAIN`, which glibc takes in place of the file's `search` and `domain` (`resolv/res_init.c` res_vinit_1).
    package var localDomain: [UInt8]?

    /// What glibc reads, too.
    public static let resolverPath: [UInt8] = utf8("/etc/resolv.conf")

    public init(localDomain: [UInt8]? = nil) { self.localDomain = localDomain }

    /// `host.NAMESPACE.svc.DOMAIN.`, whose last dot keeps the search list out.
    ///
    /// nil for an address, for a name with a dot, and where the first domain is not a namespace's (`NAMESPACE.svc.…`), as with
    /// `dnsPolicy: Default`: that no such name is there says nothing of a Service then.
    public func absoluteName(of host: [UInt8], resolverFile: [UInt8]) -> [UInt8]? {
        let dot = UInt8(ascii: ".")
        guard !host.isEmpty, !host.contains(dot), !Address.isIPv6(host) else { return nil }
        guard var domain = localDomain.map(Self.firstWord) ?? Self.firstDomain(resolverFile) else { return nil }
        if domain.last == dot { domain.removeLast() }
        let labels = domain.split(separator: dot, omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }), equalsIgnoringCase(Array(labels[1]), "svc")
        else { return nil }
        let name = host + [dot] + domain
        return Address.isHost(name) ? name + [dot] : nil
    }

    /// The first domain of the last `search` or `domain` line that names one. A keyword begins its line.
    private static func firstDomain(_ file: [UInt8]) -> [UInt8]? {
        var found: [UInt8]?
        for line in file.split(separator: UInt8(ascii: "\n")) {
            for keyword in ["search", "domain"] where line.starts(with: keyword.utf8) {
                let rest = line.dropFirst(keyword.utf8.count)
                guard let first = rest.first, isBlank(first) else { continue }
                let word = firstWord(Array(rest))
                if !word.isEmpty { found = word }
            }
        }
        return found
    }

    private static func firstWord(_ text: [UInt8]) -> [UInt8] {
        Array(text.drop(while: isBlank).prefix { !isBlank($0) && $0 != UInt8(ascii: "\n") })
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
