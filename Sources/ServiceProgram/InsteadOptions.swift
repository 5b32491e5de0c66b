public import ArgumentParser

/// What a program does instead of serving.
public struct InsteadOptions: ParsableArguments {
    @Flag(
        help: """
            Print the configuration of a start and exit: one line a variable, with the source of its value, without \
            secrets.
            """)
    public var printConfig = false

    public init() {}
}
