public import Settings
import SystemFiles

/// A file's bytes: secrets and certificates, so at most 1 MiB, and never in an error.
public func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] {
    do throws(SmallFileError) {
        return try SmallFile.read(path)
    } catch {
        throw .unreadableFile(path, reason: error.reason)
    }
}
