internal import NIOSSL
internal import Synchronization
internal import SystemFiles

/// The files for TLS toward a store, in PEM.
package struct StoreTLSFiles: Equatable, Sendable {
    /// The authorities that may have signed the store's certificate.
    package var authorities: String?
    /// Ours, where the store asks for one: both or none.
    package var certificate: String?
    package var key: String?

    package init(authorities: String?, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }
}

/// What the files say, read again when one of them has changed.
final class StoreTLS: Sendable {
    private let files: StoreTLSFiles
    private let state = Mutex(State())

    private struct State {
        var stamps: [FileStamp] = []
        var configuration: TLSConfiguration?
    }

    init(_ files: StoreTLSFiles) { self.files = files }

    func configuration() throws(LeaseStoreError) -> TLSConfiguration {
        try state.withLock { state throws(LeaseStoreError) in
            let stamps = [files.authorities, files.certificate, files.key].compactMap { $0 }.map { FileStamp(of: $0) }
            if let configuration = state.configuration, stamps == state.stamps { return configuration }
            let configuration = try read()
            state = State(stamps: stamps, configuration: configuration)
            return configuration
        }
    }

    private func read() throws(LeaseStoreError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let path = files.authorities {
            let certificates = try Self.parsed(path, "no certificate in PEM") { bytes in
                try NIOSSLCertificate.fromPEMBytes(bytes)
            }
            guard !certificates.isEmpty else {
                throw .unavailable("the file '\(path)' holds no certificate in PEM")
            }
            configuration.trustRoots = .certificates(certificates)
        }
        if let path = files.certificate, let key = files.key {
            configuration.certificateChain = try Self.parsed(path, "no certificate in PEM") { bytes in
                try NIOSSLCertificate.fromPEMBytes(bytes).map { .certificate($0) }
            }
            configuration.privateKey = try Self.parsed(key, "no private key in PEM without a passphrase") { bytes in
                .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
            }
        }
        return configuration
    }

    private static func parsed<Value>(
        _ path: String, _ complaint: String, _ parse: ([UInt8]) throws -> Value
    ) throws(LeaseStoreError) -> Value {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path)
        } catch {
            throw .unavailable("\(error)")
        }
        do {
            return try parse(bytes)
        } catch {
            throw .unavailable("the file '\(path)' holds \(complaint)")
        }
    }
}
