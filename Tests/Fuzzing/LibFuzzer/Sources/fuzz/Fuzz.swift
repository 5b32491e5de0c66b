import FuzzTargets
import Glibc

/// libFuzzer's loop (llvm-project `compiler-rt/lib/fuzzer/FuzzerInterface.h`).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What `FUZZ_TARGET` names.
private let target: FuzzTarget = {
    let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print("fuzz: FUZZ_TARGET names no target: '\(name)'. Name one of these: \(names)")
        exit(64)
    }
    return target
}()

/// Called with each input. What aborts is kept as a file.
private func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    do throws(BrokenPromise) {
        try target.check(input)
    } catch {
        let message = "fuzz: \(target.rawValue): \(error)\n"
        _ = unsafe write(STDERR_FILENO, message, message.utf8.count)
        abort()
    }
    return 0
}

@main
struct Fuzz {
    static func main() {
        _ = target
        var count = CommandLine.argc
        var arguments = unsafe CommandLine.unsafeArgv
        exit(
            unsafe withUnsafeMutablePointer(to: &arguments) { arguments in
                unsafe arguments.withMemoryRebound(
                    to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1
                ) {
                    unsafe runDriver(&count, $0, testOneInput)
                }
            })
    }
}
