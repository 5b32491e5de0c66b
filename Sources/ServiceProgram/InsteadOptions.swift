public import ArgumentParser

/// What a program does instead of serving.
public struct InsteadOptions: ParsableArguments {
    @Flag(
        help: """
            Print the configuration that a start would have, a line a variable with where its value comes from, secrets left \
            out, and end.
            """)
    public var printConfig = false

    public init() {}
}
