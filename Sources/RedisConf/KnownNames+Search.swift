extension KnownNames {
    /// Whether servers know a directive of this name, ignoring case.
    static func contains(_ name: Span<UInt8>) -> Bool { contains(fingerprint: DirectiveName.fingerprint(of: name)) }

    /// - Parameter fingerprint: of the name as it is spelled.
    static func contains(fingerprint: UInt32) -> Bool {
        var low = 0
        var high = fingerprints.count
        while low < high {
            let middle = (low + high) / 2
            if fingerprints[middle] == fingerprint { return true }
            if fingerprints[middle] < fingerprint { low = middle + 1 } else { high = middle }
        }
        return false
    }
}
