import Glibc
import SystemFiles

/// This program's own code, as it lies in memory.
package enum ProgramText {
    /// Unmaps the code once. What is used again is mapped again out of the page cache; the start's own code (arguments,
    /// configuration, TLS) is not, which is a fifth of the resident memory.
    ///
    /// Only pages that can be executed: they are never written, so nothing is lost.
    package static func giveBack() {
        guard let maps = try? SmallFile.read("/proc/self/maps") else { return }
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            // 55d0c0000000-55d0c1a40000 r-xp 00355000 08:01 1234   /usr/local/bin/redis-replica-sidecar
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count == 6, words[1] == "r-xp", words[5].contains("/") else { continue }
            let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { continue }
            unsafe madvise(UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }
}
