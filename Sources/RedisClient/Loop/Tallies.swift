/// Integers side by side, 0 at first, to be added to by one event loop.
///
/// Memory of its own rather than an array: an array that a class holds is guarded against overlapping accesses each time
/// something is added, and the guard costs several times the addition.
@safe public struct Tallies: ~Copyable {
    @usableFromInline let numbers: UnsafeMutableBufferPointer<Int>

    public init(count: Int) {
        unsafe numbers = .allocate(capacity: count)
        unsafe numbers.initialize(repeating: 0)
    }

    deinit { unsafe numbers.deallocate() }

    @inlinable
    public func add(_ amount: Int, at index: Int) {
        // A release build checks no index into memory by itself.
        unsafe precondition(numbers.indices.contains(index), "there is no such number")
        // Not &+=: Swift 6.3.1 aborts on that with -sanitize=thread.
        unsafe numbers[index] = numbers[index] &+ amount
    }

    /// The numbers as they are now.
    public var copy: [Int] { unsafe Array(numbers) }
}
